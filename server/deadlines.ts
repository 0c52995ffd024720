/** Time limits for whatever runs on a caller's behalf. */
import { refusal } from '../shared/errors.js';

export interface Deadlines {
	/**
	 * Runs something that must end in time.
	 * @param timeout in ms; exceeded by up to half a second
	 * @param onTimeout is told when time is up
	 * @throws what it throws, or `error-timeout` when time is up; then what it still does goes nowhere
	 */
	limit<T>(timeout: number, run: () => Promise<T>, onTimeout?: () => void): Promise<T>;
}

/** Time between two looks, in ms. */
const TICK = 500;

interface Running {
	readonly until: number;
	expire(): void;
}

/**
 * Makes the deadlines of a server. One timer looks after all of them, while there are any: a timer for each call would
 * cost more than most calls.
 */
export function createDeadlines(): Deadlines {
	const running = new Set<Running>();
	let ticker: NodeJS.Timeout | undefined;

	function look(): void {
		const now = Date.now();
		for (const entry of running) if (now >= entry.until) entry.expire();
		if (running.size > 0) return;
		clearInterval(ticker);
		ticker = undefined;
	}

	return {
		limit(timeout, run, onTimeout) {
			return new Promise((resolve, reject) => {
				const entry: Running = {
					until: Date.now() + timeout,
					expire() {
						running.delete(entry);
						reject(refusal('timeout'));
						onTimeout?.();
					},
				};
				running.add(entry);
				ticker ??= setInterval(look, TICK).unref();
				run().then(
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
