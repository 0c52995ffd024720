/** Lists in documents that other programs may have written: a value that is no list counts as an empty one. */

/** The list, or an empty one. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * Matches documents whose list is as long as it was read. A conditional write that is retried must match the document as
 * it was read, whatever was stored there, or it would be retried for ever. A value that is no list is matched as it is:
 * nothing of it can be lost.
 */
export function sameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}
