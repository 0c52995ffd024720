/** The keys under which an index has a document, and those that a filter asks for: short texts. */
import { hash } from 'node:crypto';
import type { IndexSpec } from '../../shared/indexes.js';
import type { Document, Fields } from '../../shared/values.js';
import { foldCase, textAskedIgnoringCase, valuesAsked } from '../query/asked.js';
import { reach } from '../query/reach.js';

/** Maximum number of keys looked up for one filter. */
const MAX_KEYS = 1000;

/** Longest text that is a key without hashing, in characters. LMDB's limit is 1,978 bytes, also for compound keys. */
const MAX_TEXT = 200;

/** Whether a text is a key as it is. LMDB reserves the NUL character. */
export function isShort(text: string): boolean {
	return text.length <= MAX_TEXT && !text.includes('\0');
}

/** The range of the keys of short texts, which are ordered like the texts. Keys of other values are outside. */
export const TEXTS = { from: 's', to: 't' } as const;

/** After every key. */
export const LAST_KEY = '\u{10ffff}';

/** The key of a value. */
export function keyOf(value: unknown): string {
	if (typeof value === 'string') return isShort(value) ? TEXTS.from + value : `h${hashOf(value)}`;
	if (value instanceof Date) return `d${value.getTime()}`;
	if (typeof value === 'object' && value !== null) return `o${hashOf(JSON.stringify(value))}`;
	return `${value ?? null}`;
}

const hashOf = (text: string) => hash('sha256', text, 'base64');

/** What the compound keys of a first value begin with. The length distinguishes `a` + `bc` from `ab` + `c`. */
export function prefixOf(value: unknown): string {
	return withLength(keyOf(value));
}

const withLength = (key: string) => `${key.length}:${key}`;

/** The prefix of a compound key. */
export function prefixIn(key: string): string {
	const colon = key.indexOf(':');
	return key.slice(0, colon + 1 + Number(key.slice(0, colon)));
}

/** The keys under which an index has a document. */
export function keysOf(document: Document, { fields, sparse, ignoreCase }: IndexSpec): string[] {
	const lists = fields.map((field) => {
		const keys = new Set<string>();
		for (const element of reach(document, field.split('.')).flat())
			if (element !== undefined || !sparse)
				keys.add(keyOf(ignoreCase && typeof element === 'string' ? foldCase(element) : element));
		return [...keys];
	});
	const [, second] = lists;
	// An array has one place in an order, that of its least element. The mark says that this index has no such order.
	if (second && second.length !== 1 && lists.length === 2) second.push(`array of ${document._id}`);
	return combine(lists);
}

/** The keys of an index under which all documents are that match a filter, if the filter asks for few enough. */
export function keysAsked(filter: Fields, { fields, ignoreCase }: IndexSpec): string[] | undefined {
	let count = 1;
	const lists: string[][] = [];
	for (const field of fields) {
		const text = ignoreCase ? textAskedIgnoringCase(filter, field) : undefined;
		const values = ignoreCase ? text !== undefined && [text] : valuesAsked(filter, field);
		if (!values) return undefined;
		count *= values.length;
		if (count > MAX_KEYS) return undefined;
		lists.push(values.map(keyOf));
	}
	return combine(lists);
}

/** All combinations of one key from each list. */
function combine([first = [], ...others]: readonly (readonly string[])[]): string[] {
	return others.reduce<string[]>(
		(keys, list) => keys.flatMap((key) => list.map((next) => withLength(key) + next)),
		[...first],
	);
}
