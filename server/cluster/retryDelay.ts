/** Delays before the first, the second and every later repetition of a failed task, in ms. */
const DELAYS_MS: readonly number[] = [50, 200, 1000];

/** How long to wait after a number of failures in a row, in ms; 0 without a failure. */
export function retryDelay(failures: number): number {
	return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1] ?? 0;
}
