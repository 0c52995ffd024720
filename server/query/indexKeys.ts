/**
 * Index keys: the keys under which an index lists a document, and the keys to look up for a filter. They are short
 * strings.
 */
import { hash } from 'node:crypto';
import type { IndexSpec } from '../../shared/indexes.js';
import type { Document, Fields } from '../../shared/values.js';
import { foldCase, textAskedIgnoringCase, valuesAsked } from './asked.js';
import { reach } from './reach.js';

/** Maximum number of keys looked up for one filter. */
const MAX_KEYS = 1000;

/** Longest text that is a key without hashing, in characters. LMDB's limit is 1,978 bytes, also for compound keys. */
const MAX_TEXT = 200;

/** Whether a text can be part of a key without hashing. LMDB reserves the NUL character. */
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

/**
 * The prefix of all compound keys whose first value is this one. It contains a length, which distinguishes `a` + `bc`
 * from `ab` + `c`.
 */
export function prefixOf(value: unknown): string {
	return withLength(keyOf(value));
}

const withLength = (key: string) => `${key.length}:${key}`;

/** Reads the prefix, see `prefixOf`, from a compound key. */
export function prefixIn(key: string): string {
	const colon = key.indexOf(':');
	return key.slice(0, colon + 1 + Number(key.slice(0, colon)));
}

/** The keys under which an index lists a document: several if a field is or contains an array. */
export function keysOf(document: Document, { fields, sparse, ignoreCase }: IndexSpec): string[] {
	const lists = fields.map((field) => {
		const keys = new Set<string>();
		for (const element of reach(document, field.split('.')).flat())
			if (element !== undefined || !sparse)
				keys.add(keyOf(ignoreCase && typeof element === 'string' ? foldCase(element) : element));
		return [...keys];
	});
	const [, second] = lists;
	// A query sorts an array only by its least element, but an index lists every element. This extra key says that the
	// index cannot be read in sort order (see `Table`).
	if (second && second.length !== 1 && lists.length === 2) second.push(`array of ${document._id}`);
	return combine(lists);
}

/**
 * The keys of an index that together list every document that matches a filter. Undefined if the filter does not
 * restrict the fields to values, or to too many.
 */
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
	let keys = first;
	for (const list of others) {
		const longer: string[] = [];
		for (const key of keys) for (const next of list) longer.push(withLength(key) + next);
		keys = longer;
	}
	return [...keys];
}
