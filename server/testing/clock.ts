/** A clock that a test sets. */
import { mock } from 'node:test';

export interface FakeClock {
	/** Advances the time, in ms, and runs the timers that are due. */
	advance(ms: number): void;
	/** Restores the real clock. */
	restore(): void;
}

/**
 * Replaces `Date`, `setTimeout` and `setInterval` by a clock that stands still until `advance`: for rate limits, expiry
 * and time limits. Create it before the server, and restore it at the end of the test.
 * @param now the time at the start, in ms since 1970. Default: the present
 */
export function fakeClock(now = Date.now()): FakeClock {
	mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now });
	return { advance: (ms) => mock.timers.tick(ms), restore: () => mock.timers.reset() };
}
