/** A clock that a test sets. */
import { mock } from 'node:test';

export interface FakeClock {
	/** Advances the time, in ms, and runs the timers that are due. */
	advance(ms: number): void;
	/** Restores the real clock. */
	restore(): void;
}

/** The clock that stands still now. */
let current: FakeClock | undefined;

/** Whether a fake clock stands still now, so that timers do not fire. */
export function isClockFake(): boolean {
	return current !== undefined;
}

/**
 * Replaces `Date`, `setTimeout` and `setInterval` by a clock that stands still until `advance`: for rate limits, expiry
 * and time limits. Create it before the server, and restore it at the end of the test. A second one
 * replaces the first, which a failed test may have left.
 * @param now the time at the start, in ms since 1970. Default: the present
 */
export function fakeClock(now = Date.now()): FakeClock {
	current?.restore();
	mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now });
	const clock: FakeClock = {
		advance: (ms) => mock.timers.tick(ms),
		restore() {
			if (current !== clock) return;
			current = undefined;
			mock.timers.reset();
		},
	};
	current = clock;
	return clock;
}
