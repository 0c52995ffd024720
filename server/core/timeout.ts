/** Time limits of methods and publications. */
import { clientError } from '../../shared/errors.js';

export interface TimeoutClock {
	/** Stops the clock until this promise is settled. */
	exclude<T>(wait: Promise<T>): Promise<T>;
	/** Ends the time limit, because the outcome is not needed any more. */
	end(): void;
}

class Timeout implements TimeoutClock {
	#timer: NodeJS.Timeout | undefined;
	#startedAt: number;
	/** Number of excluded promises that are not settled. */
	#pauses = 0;
	#ended = false;

	constructor(
		private remaining: number,
		private readonly onTimeout: () => void,
		startedAt: number,
	) {
		this.#startedAt = startedAt;
		this.#timer = setTimeout(onTimeout, remaining).unref();
	}

	async exclude<T>(wait: Promise<T>): Promise<T> {
		if (this.#pauses++ === 0) {
			clearTimeout(this.#timer);
			this.remaining -= performance.now() - this.#startedAt;
		}
		try {
			return await wait;
		} finally {
			if (--this.#pauses === 0 && !this.#ended) this.#restart();
		}
	}

	end(): void {
		this.#ended = true;
		clearTimeout(this.#timer);
	}

	#restart(): void {
		this.#startedAt = performance.now();
		this.#timer = setTimeout(this.onTimeout, this.remaining).unref();
	}
}

/**
 * Runs a function with a time limit.
 * @param timeout in ms
 * @param startedAt the present time of `performance.now`, if the caller has just read it
 * @throws the function's errors, or `error-timeout` after the time limit; then the function's outcome is ignored
 */
export function withTimeout<T>(
	timeout: number,
	run: (clock: TimeoutClock) => Promise<T>,
	onTimeout?: () => void,
	startedAt = performance.now(),
): Promise<T> {
	return new Promise((resolve, reject) => {
		const clock = new Timeout(
			timeout,
			() => {
				reject(clientError('timeout'));
				onTimeout?.();
			},
			startedAt,
		);
		run(clock).then(
			(value) => {
				clock.end();
				resolve(value);
			},
			(error) => {
				clock.end();
				reject(error);
			},
		);
	});
}
