/** Computes the keys of an index, which are short strings, for documents and for filters. */
import { hash } from 'node:crypto';
import type { IndexSpec } from '../../shared/indexes.js';
import type { Document, Fields } from '../../shared/values.js';
import { allowedTextIgnoringCase, allowedValues, foldCase } from './allowedValues.js';
import { reach } from './reach.js';

/** Maximum number of keys looked up for one filter. */
const MAX_KEYS = 1000;

/** Longest text that is a key without hashing, in characters. LMDB's limit for a key is 1,978 bytes. */
const MAX_TEXT = 200;

/** Longest key of more than two fields, in characters of up to three bytes. A longer one is hashed. */
const MAX_COMPOUND = 650;

/** Whether a text can be part of a key without hashing. LMDB reserves the NUL character. */
export function isShort(text: string): boolean {
	return text.length <= MAX_TEXT && !text.includes('\0');
}

/** The keys of short texts begin with `s`, and are ordered like the texts. No other key begins with `s`. */
export const TEXT_RANGE = { from: 's', to: 't' } as const;

/** Sorts after every key. */
export const AFTER_ALL_KEYS = '\u{10ffff}';

/**
 * The key of a value. For a text, a date or an object, the first letter stands for the type. Other values are written
 * as they are.
 */
export function keyOf(value: unknown): string {
	if (typeof value === 'string') return isShort(value) ? TEXT_RANGE.from + value : `h${hashOf(value)}`;
	if (value instanceof Date) return `d${value.getTime()}`;
	if (typeof value === 'object' && value !== null) return `o${hashOf(JSON.stringify(value))}`;
	return `${value ?? null}`;
}

const hashOf = (text: string) => hash('sha256', text, 'base64');

/**
 * In an index of two fields, the prefix of all keys whose first value is this one. It contains a length, to distinguish
 * `a` + `bc` from `ab` + `c`.
 */
export function prefixOf(value: unknown): string {
	return withLength(keyOf(value));
}

const withLength = (key: string) => `${key.length}:${key}`;

/** The prefix (see `prefixOf`) of a compound key. */
export function prefixIn(key: string): string {
	const colon = key.indexOf(':');
	return key.slice(0, colon + 1 + Number(key.slice(0, colon)));
}

/** The keys under which an index lists a document: several if a field's path leads to or through an array. */
export function keysOf(document: Document, { fields, sparse, ignoreCase }: IndexSpec): string[] {
	const keysByField = fields.map((field) => {
		const keys = new Set<string>();
		for (const element of reach(document, field.split('.')).flat())
			if (element !== undefined || !sparse)
				keys.add(keyOf(ignoreCase && typeof element === 'string' ? foldCase(element) : element));
		return [...keys];
	});
	const [, second] = keysByField;
	// A query sorts an array by its least element. An index lists every element, and nothing for an empty array. The key
	// added here is outside `TEXT_RANGE`, by which `candidates.ts` notices that it cannot use the order.
	if (second && second.length !== 1 && keysByField.length === 2) second.push(`array of ${document._id}`);
	return combine(keysByField);
}

/**
 * The keys to look up for a filter: every matching document is listed under one of them. Undefined if the filter lists
 * too many values, or none for a field.
 */
export function keysToLookUp(filter: Fields, { fields, ignoreCase }: IndexSpec): string[] | undefined {
	let count = 1;
	const keysByField: string[][] = [];
	for (const field of fields) {
		const values = ignoreCase ? allowedTextIgnoringCase(filter, field) : allowedValues(filter, field);
		if (!values) return undefined;
		count *= values.length;
		if (count > MAX_KEYS) return undefined;
		keysByField.push(values.map(keyOf));
	}
	return combine(keysByField);
}

/** The compound keys of all combinations of one key from each list. */
function combine([first = [], ...others]: readonly (readonly string[])[]): string[] {
	let combined = [...first];
	for (const keys of others) {
		const longer: string[] = [];
		for (const start of combined) for (const key of keys) longer.push(withLength(start) + key);
		combined = longer;
	}
	// A key of two fields never exceeds LMDB's limit, and must keep its order.
	if (others.length < 2) return combined;
	return combined.map((key) => (key.length > MAX_COMPOUND ? `h${hashOf(key)}` : key));
}
