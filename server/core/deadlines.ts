/** Time limits for whatever runs on a caller's behalf. */
import { clientError } from '../../shared/errors.js';

/** The time of something that runs. */
export interface DeadlineClock {
	/** Stands still until a wait has ended: for what others take as long as they like for. */
	exclude<T>(wait: Promise<T>): Promise<T>;
}

export interface Deadlines {
	/**
	 * Runs something that must end in time.
	 * @param timeout in ms; exceeded by up to half a second
	 * @param onTimeout is told when time is up
	 * @throws what it throws, or `error-timeout` when time is up; then what it still does goes nowhere
	 */
	limit<T>(timeout: number, run: (clock: DeadlineClock) => Promise<T>, onTimeout?: () => void): Promise<T>;
}

/** Time between two looks, in ms. */
const TICK = 500;

class Deadline implements DeadlineClock {
	/** Waits that do not count, and since when there is one. */
	#pauses = 0;
	#pausedAt = 0;

	constructor(
		private until: number,
		readonly expire: () => void,
		private readonly now: () => number,
	) {}

	get isOver(): boolean {
		return this.#pauses === 0 && this.now() >= this.until;
	}

	async exclude<T>(wait: Promise<T>): Promise<T> {
		if (this.#pauses++ === 0) this.#pausedAt = this.now();
		try {
			return await wait;
		} finally {
			if (--this.#pauses === 0) this.until += this.now() - this.#pausedAt;
		}
	}
}

/**
 * Makes the deadlines of a server. One timer looks after all of them, while there are any: a timer for each call would
 * cost more than most calls.
 * @param now the time in ms, which must not jump: the clock of a machine may be set while a call runs
 */
export function createDeadlines(now = () => performance.now()): Deadlines {
	const running = new Set<Deadline>();
	let ticker: NodeJS.Timeout | undefined;

	function look(): void {
		for (const entry of running) if (entry.isOver) entry.expire();
		if (running.size > 0) return;
		clearInterval(ticker);
		ticker = undefined;
	}

	return {
		limit(timeout, run, onTimeout) {
			return new Promise((resolve, reject) => {
				const expire = () => {
					running.delete(entry);
					reject(clientError('timeout'));
					onTimeout?.();
				};
				const entry = new Deadline(now() + timeout, expire, now);
				running.add(entry);
				ticker ??= setInterval(look, TICK).unref();
				run(entry).then(
					(value) => {
						running.delete(entry);
						resolve(value);
					},
					(error) => {
						running.delete(entry);
						reject(error);
					},
				);
			});
		},
	};
}
