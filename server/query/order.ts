/** Compares values in the sort order of MongoDB, first by type and then by value. Sorts documents. */

import { type Fields, isFields } from '../../shared/values.js';
import { reach } from './reach.js';

/** Stands for an empty array in a sort key: it comes before null and a missing field. */
const EMPTY_ARRAY = Symbol('empty array');

/** The position of a value's type in the sort order. */
export function rankOf(value: unknown): number {
	if (value === EMPTY_ARRAY) return -1;
	if (value === undefined || value === null) return 0;
	if (typeof value === 'number') return 1;
	if (typeof value === 'string') return 2;
	if (isFields(value)) return 3;
	if (Array.isArray(value)) return 4;
	return typeof value === 'boolean' ? 5 : 6;
}

/** Compares two values, for sorting. */
export function compare(a: unknown, b: unknown): number {
	const rank = rankOf(a);
	if (rank !== rankOf(b)) return rank - rankOf(b);
	if (typeof a === 'string') return compareText(a, b as string);
	if (isFields(a)) return compareFields(Object.entries(a), Object.entries(b as Fields));
	if (Array.isArray(a)) return compareFields([...a.entries()], [...(b as unknown[]).entries()]);
	// Values of rank 0 or less are equal. The rest are numbers, booleans and dates.
	return rank <= 0 ? 0 : Number(a) - Number(b);
}

/** The fields of a document, or the elements of an array with their positions as names. */
type Entries = readonly (readonly [name: string | number, value: unknown])[];

/** Compares field by field: first the types of the values, then the names, then the values. */
function compareFields(a: Entries, b: Entries): number {
	for (const [i, [name, value]] of a.entries()) {
		const entry = b[i];
		if (!entry) return 1;
		const [otherName, otherValue] = entry;
		const difference =
			rankOf(value) - rankOf(otherValue) || compareText(`${name}`, `${otherName}`) || compare(value, otherValue);
		if (difference !== 0) return difference;
	}
	return a.length - b.length;
}

/** Compares by code points, like the bytes of UTF-8. `<` compares UTF-16 code units. */
export function compareText(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)];
		if (unitA !== unitB) return rankOfUnit(unitA) - rankOfUnit(unitB);
	}
	return a.length - b.length;
}

/** Ranks surrogates (0xd800 to 0xdfff) after all other units, because they encode the highest code points. */
const rankOfUnit = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** The paths to sort by, the most important first: 1 is ascending, -1 descending. */
export type Sort = Readonly<Record<string, 1 | -1>>;

/** Sorts documents while they are added, and keeps only the first `max` of them. */
export function sorter(sort: Sort, max: number): { add(document: Fields): void; readonly sorted: Fields[] } {
	const criteria = Object.entries(sort).map(([path, direction]) => ({ path: path.split('.'), direction }));
	const entries: { document: Fields; keys: unknown[] }[] = [];

	function compareKeys(a: unknown[], b: unknown[]): number {
		for (let i = 0; i < criteria.length; i++) {
			const difference = compare(a[i], b[i]);
			if (difference !== 0) return (criteria[i] as { direction: number }).direction * difference;
		}
		return 0;
	}
	return {
		add(document) {
			const keys = criteria.map(({ path, direction }) => sortKey(document, path, direction));
			let low = 0;
			let high = entries.length;
			// Documents are often added in order, so the last position is tried first.
			const last = entries.at(-1);
			if (last && compareKeys(last.keys, keys) <= 0) low = high;
			while (low < high) {
				const middle = (low + high) >> 1;
				if (compareKeys((entries[middle] as { keys: unknown[] }).keys, keys) <= 0) low = middle + 1;
				else high = middle;
			}
			if (low >= max) return;
			entries.splice(low, 0, { document, keys });
			if (entries.length > max) entries.pop();
		},
		get sorted() {
			return entries.map(({ document }) => document);
		},
	};
}

/**
 * The value by which a document is sorted. For an array this is its least element, or its greatest in descending order.
 */
function sortKey(document: Fields, path: readonly string[], direction: number): unknown {
	const found = reach(document, path);
	if (found.length === 1 && !Array.isArray(found[0])) return found[0];
	const values = found.flatMap((value) => (Array.isArray(value) && value.length === 0 ? [EMPTY_ARRAY] : value));
	let key = values[0];
	for (const value of values) if (direction * compare(value, key) < 0) key = value;
	return key;
}
