interface FieldUpdate {
	$set?: Record<string, unknown>;
	$unset?: Record<string, 1>;
}

/** Builds an update that sets some fields and removes others. Null if there is nothing to change. */
export function updateOf(set: Record<string, unknown>, removed: readonly string[]): FieldUpdate | null {
	const $unset = Object.fromEntries(removed.map((field) => [field, 1 as const]));
	if (Object.keys(set).length === 0) return removed.length === 0 ? null : { $unset };
	return removed.length === 0 ? { $set: set } : { $set: set, $unset };
}
