/** The sort order of values, as in MongoDB: first by type, then by value; and sorting of documents. */
import { reach } from './reach.js';
import { type Fields, isFields } from './values.js';

/** The rank of a value's type. */
export function rankOf(value: unknown): number {
	if (value === undefined || value === null) return 0;
	if (typeof value === 'number') return 1;
	if (typeof value === 'string') return 2;
	if (isFields(value)) return 3;
	if (Array.isArray(value)) return 4;
	return typeof value === 'boolean' ? 5 : 6;
}

/** Compares two values, for sorting. All documents compare as equal, and so do all arrays. */
export function compare(a: unknown, b: unknown): number {
	const rank = rankOf(a);
	if (rank !== rankOf(b)) return rank - rankOf(b);
	if (typeof a === 'string') return compareText(a, b as string);
	if (rank === 1 || rank >= 5) return Number(a) - Number(b);
	return 0;
}

/**
 * Compares by code points, like the bytes of UTF-8. `<` compares UTF-16 code units, which orders some characters
 * differently.
 */
export function compareText(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
		if (x !== y) return x < 0xd800 || y < 0xd800 ? x - y : ((x + 0x2000) & 0xffff) - ((y + 0x2000) & 0xffff);
	}
	return a.length - b.length;
}

export type Sort = Readonly<Record<string, 1 | -1>>;

/**
 * Sorts documents while they are added, and keeps the first of them.
 *
 * @param most maximum number of documents kept
 */
export function sorter(sort: Sort, most: number): { add(document: Fields): void; readonly sorted: Fields[] } {
	const criteria = Object.entries(sort).map(([path, direction]) => ({ path: path.split('.'), direction }));
	const entries: { document: Fields; keys: unknown[] }[] = [];

	function order(a: unknown[], b: unknown[]): number {
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
			// Documents are often added in order: the end is checked first.
			const last = entries.at(-1);
			if (last && order(last.keys, keys) <= 0) low = high;
			while (low < high) {
				const middle = (low + high) >> 1;
				if (order((entries[middle] as { keys: unknown[] }).keys, keys) <= 0) low = middle + 1;
				else high = middle;
			}
			if (low >= most) return;
			entries.splice(low, 0, { document, keys });
			if (entries.length > most) entries.pop();
		},
		get sorted() {
			return entries.map(({ document }) => document);
		},
	};
}

/** An array is sorted by its least element, or by its greatest in descending order. */
function sortKey(document: Fields, path: readonly string[], direction: number): unknown {
	const found = reach(document, path);
	const values = found.length === 1 && !Array.isArray(found[0]) ? found : found.flat();
	let key = values[0];
	for (const value of values) if (direction * compare(value, key) < 0) key = value;
	return key;
}
