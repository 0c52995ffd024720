/** In ms, before the first, the second and every later repetition. */
const DELAYS_MS: readonly number[] = [50, 200, 1000];

/** How long to wait after a number of failures in a row, in ms. */
export function retryDelay(failures: number): number {
	return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1] ?? 0;
}
