/** Lists of at most `size` items, in order. */
export function* batches<T>(items: readonly T[], size: number): Iterable<T[]> {
	for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
