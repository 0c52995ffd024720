/** Lists in documents that other programs may have written: any other value counts as an empty list. */

/** The list, or an empty one. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * A filter for documents whose list has the length that was read. A write with it is repeated where the document has
 * changed meanwhile. It must match the document as it was read, whatever that held, or the repetition would never end. A
 * value that is no list always matches.
 */
export function sameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}
