/** Reads arrays from documents, in which other programs may have stored another value instead. */

/** The value, if it is an array; otherwise an empty array. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * A filter for documents whose array still has the length that was read. If a truthy value that is not an array is
 * stored, the filter matches every document. A condition on the length could never match that value, and
 * `retryOnConflict` would repeat the write up to its limit.
 */
export function whereSameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}

/** Whether two lists without duplicates have the same elements, in any order. */
export const hasSameElements = (first: readonly string[], second: readonly string[] = []): boolean =>
	first.length === second.length && first.every((element) => second.includes(element));
