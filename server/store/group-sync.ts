/** One fsync for many writes. */

/**
 * Makes a function that resolves once a sync has ended which began after it was called. Calls made while one is under
 * way share the next, so the number of syncs does not grow with the number of writers.
 * @param sync makes everything durable that was written before it was called; if it ever fails, so do all later calls
 */
export function groupSync(sync: () => Promise<void>): () => Promise<void> {
	let underWay: Promise<void> = Promise.resolve();
	let next: Promise<void> | undefined;
	return () => {
		next ??= underWay.then(() => {
			next = undefined;
			underWay = sync();
			return underWay;
		});
		return next;
	};
}
