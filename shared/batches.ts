/** A list in parts of at most so many elements, in their order. */
export function* batchesOf<T>(all: readonly T[], size: number): Iterable<T[]> {
	for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
