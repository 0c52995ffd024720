/** Longest delay of Node's timers, in ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Whether a value is a whole number of ms, from 1, that a timer can wait. */
export function isTimerMs(value: unknown): value is number {
	return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TIMER_MS;
}
