const plain = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase();

/** Whether two names are equal except for case, hyphens and underscores: `max-body` and `maxBody`. */
export const isSameName = (a: string, b: string): boolean => plain(a) === plain(b);

/** Longer names have no suggestion for a mistyped letter, so that the comparison stays cheap. */
const MAX_LENGTH = 64;

/** How many letters may be wrong in a name of this length. */
function allowedDistance(length: number): number {
	if (length < 3) return 0;
	return length < 6 ? 1 : 2;
}

/** Finds a known name by `isSameName`, otherwise the nearest one within `allowedDistance`. */
export function similarName(name: string, known: readonly string[]): string | undefined {
	const same = known.find((knownName) => isSameName(knownName, name));
	if (same !== undefined || name.length > MAX_LENGTH) return same;
	const plainName = plain(name);
	let nearest: string | undefined;
	let allowed = allowedDistance(plainName.length);
	for (const knownName of known) {
		const distance = distanceOf(plainName, plain(knownName));
		if (distance > allowed) continue;
		nearest = knownName;
		// Of several names at the same distance, the first one counts.
		allowed = distance - 1;
	}
	return nearest;
}

/**
 * The distance by Damerau and Levenshtein (optimal string alignment): the number of letters that are added, removed,
 * replaced, or swapped with the next.
 */
function distanceOf(a: string, b: string): number {
	// After step i, `last[j]` is the distance between the first i letters of `a` and the first j of `b`.
	let beforeLast: number[] = [];
	let last = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const isEqual = a[i - 1] === b[j - 1];
			const replaced = at(last, j - 1) + (isEqual ? 0 : 1);
			let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced);
			const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
			if (i > 1 && j > 1 && isSwapped) least = Math.min(least, at(beforeLast, j - 2) + 1);
			row.push(least);
		}
		[beforeLast, last] = [last, row];
	}
	return at(last, b.length);
}

const at = (row: readonly number[], index: number) => row[index] as number;
