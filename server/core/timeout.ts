/** Time limits for what runs on a caller's behalf. */
import { clientError } from '../../shared/errors.js';

/** The clock of one time limit. */
export interface TimeoutClock {
	/** Stops the clock until a wait has ended, which may take any time. */
	exclude<T>(wait: Promise<T>): Promise<T>;
}

class Timeout implements TimeoutClock {
	#timer: NodeJS.Timeout | undefined;
	#startedAt = 0;
	/** Waits under way that do not count. */
	#pauses = 0;
	#ended = false;

	constructor(
		private remaining: number,
		private readonly onTimeout: () => void,
	) {
		this.#start();
	}

	async exclude<T>(wait: Promise<T>): Promise<T> {
		if (this.#pauses++ === 0) {
			clearTimeout(this.#timer);
			this.remaining -= performance.now() - this.#startedAt;
		}
		try {
			return await wait;
		} finally {
			if (--this.#pauses === 0 && !this.#ended) this.#start();
		}
	}

	end(): void {
		this.#ended = true;
		clearTimeout(this.#timer);
	}

	#start(): void {
		this.#startedAt = performance.now();
		this.#timer = setTimeout(this.onTimeout, this.remaining).unref();
	}
}

/**
 * Runs something that must end in time.
 * @param timeout in ms
 * @param onTimeout is called when time is up
 * @throws what it throws, or `error-timeout` when time is up; then its own outcome is ignored
 */
export function withTimeout<T>(
	timeout: number,
	run: (clock: TimeoutClock) => Promise<T>,
	onTimeout?: () => void,
): Promise<T> {
	return new Promise((resolve, reject) => {
		const clock = new Timeout(timeout, () => {
			reject(clientError('timeout'));
			onTimeout?.();
		});
		run(clock)
			.then(resolve, reject)
			.finally(() => clock.end());
	});
}
