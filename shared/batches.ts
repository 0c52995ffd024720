/** Splits a list into parts of at most `size` elements. */
export function* batchesOf<T>(all: readonly T[], size: number): Iterable<T[]> {
	for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
