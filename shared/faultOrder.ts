/**
 * The order in which Meteor finds the faults of a value (`test/contract/check.md` section 5): an object's own keys in
 * their order, each with all nested values, then missing keys. Other validators report faults in the order of the
 * schema.
 */

/** The key of one level of a path. */
function keyAt({ path }: { readonly path: readonly unknown[] }, level: number): string {
	return String(path[level]);
}

/** The fault that Meteor finds first; undefined if there is none. */
export function firstInOrder<T extends { readonly path: readonly unknown[] }>(
	value: unknown,
	faults: readonly T[],
): T | undefined {
	let candidates = faults;
	let current = value;
	for (let level = 0; candidates.length > 1; level++) {
		const faultOfCurrent = candidates.find(({ path }) => path.length === level);
		if (faultOfCurrent) return faultOfCurrent;
		const keys = new Set(candidates.map((fault) => keyAt(fault, level)));
		const key = firstOwnKey(current, keys) ?? keyAt(candidates[0] as T, level);
		candidates = candidates.filter((fault) => keyAt(fault, level) === key);
		current = hasKeys(current) ? current[key] : undefined;
	}
	return candidates[0];
}

function firstOwnKey(value: unknown, wanted: ReadonlySet<string>): string | undefined {
	return hasKeys(value) ? Object.keys(value).find((key) => wanted.has(key)) : undefined;
}

/** Whether a value is an object whose keys can be read. */
export function hasKeys(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
