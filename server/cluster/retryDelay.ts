/** Delays before something that has failed is repeated, in ms; the last one is used again. */
const DELAYS_MS: readonly number[] = [50, 200, 1000];

/** How long to wait after so many failures in a row, in ms. */
export function retryDelay(failures: number): number {
	return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1] ?? 0;
}
