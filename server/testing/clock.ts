/** A clock that a test sets. */
import { mock } from 'node:test';

export interface FakeClock {
	/** Lets time pass, in ms: timers that are due run at once. */
	advance(ms: number): void;
	/** The real clock again. */
	restore(): void;
}

/**
 * Replaces `Date`, `setTimeout` and `setInterval` by a clock that stands still until `advance`: for rate limits, expiry
 * and time limits. Make it before the server, and restore it at the end of the test.
 * @param now the time it begins with, in ms; default: the present
 */
export function fakeClock(now = Date.now()): FakeClock {
	mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now });
	return { advance: (ms) => mock.timers.tick(ms), restore: () => mock.timers.reset() };
}
