/**
 * The order in which Meteor finds faults (`test/contract/check.md` section 5). Own keys come first, each with its
 * nested values, then missing keys. Other validators follow the order of the schema.
 */

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

export function hasKeys(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
