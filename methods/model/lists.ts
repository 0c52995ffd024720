/** Reads arrays from documents. Other programs may have stored another value there; it counts as an empty array. */

/** The value, if it is an array; else an empty array. */
export function listOf<T>(stored: readonly T[] | null | undefined): readonly T[] {
	return Array.isArray(stored) ? stored : [];
}

/**
 * A filter that matches documents whose array still has the length that was read. If another value than an array was
 * read, the filter matches everything: a filter that does not match the document as it was read would make
 * `retryOnConflict` repeat the write for ever.
 */
export function whereSameLength(field: string, stored: readonly unknown[] | null | undefined): Record<string, unknown> {
	if (stored && !Array.isArray(stored)) return {};
	const { length } = listOf(stored);
	return length > 0 ? { [field]: { $size: length } } : { [`${field}.0`]: { $exists: false } };
}

/** Whether two lists without duplicates have the same elements, in any order. */
export const hasSameElements = (some: readonly string[], others: readonly string[] = []): boolean =>
	some.length === others.length && some.every((one) => others.includes(one));
