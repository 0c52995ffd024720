/** Arrays in documents that other programs may have written: any other value counts as an empty array. */

/** The value, if it is an array; else an empty array. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * Matches documents whose array has the length that was read. The condition of a retried write must match the document
 * as it was read, also if the value is not an array; otherwise the write would be retried for ever.
 */
export function whereSameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}
