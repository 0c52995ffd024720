/** Lists in documents that others may have written: what is no list counts as an empty one. */

/** The list, or an empty one. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * A filter for documents where a list is as long as it was seen to be. Whoever writes by it, and reads again where it
 * finds nothing, must find the document as it was read, whatever stood there: else they would go on for ever. Of what is
 * no list nothing is lost.
 */
export function sameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}
