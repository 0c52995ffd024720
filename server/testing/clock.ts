/** A fake clock: a test decides how time passes. */
import { mock } from 'node:test';

export interface FakeClock {
	/** Advances the time, in ms, and runs the timers that are due. */
	advance(ms: number): void;
	/** Restores the real clock. */
	restore(): void;
}

let current: FakeClock | undefined;

/** Whether a fake clock is in use. */
export function isClockFake(): boolean {
	return current !== undefined;
}

/**
 * Replaces `Date`, `setTimeout` and `setInterval` by a clock that stands still until `advance`. Create it before the server,
 * and restore it at the end of the test. A new fake clock replaces an earlier one.
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
