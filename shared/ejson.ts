/**
 * The configuration of EJSON: limits for parsing, and the supported types (`test/contract/check.md` section 10,
 * `test/contract/ddp.md` section 2). The npm package `ejson`, Meteor's own code, encodes and decodes the types. The
 * traversal of arrays and objects is implemented here, because the package's own traversal takes a second for a megabyte of
 * text. The package also treats an object with a key `callee` as `arguments`, and iterates up to the length that the object
 * claims, which may be two billion.
 */
import EJSON from 'ejson';
import { scan } from 'secure-json-parse';
import type { JsonFormat } from './slices.js';

/** Maximum nesting of arrays and objects. Meteor is only limited by its stack. */
export const MAX_DEPTH = 100;

/** Maximum number of values in one text, because the synchronous traversal blocks other callers. */
export const MAX_VALUES = 100_000;

/** Valid JSON that is refused: too deep, too many values, with a key `__proto__`, or not decodable as EJSON. */
export class Unreadable extends Error {}

/** MongoDB's id type, as clients send it: `{"$type": "oid", "$value": "<24 hex digits>"}`. */
export class ObjectID {
	constructor(readonly hex: string) {
		if (typeof hex !== 'string' || !/^[0-9a-f]{24}$/i.test(hex)) throw new Unreadable('not an ObjectID');
	}
	typeName(): 'oid' {
		return 'oid';
	}
	toJSONValue(): string {
		return this.hex;
	}
	equals(other: unknown): boolean {
		return other instanceof ObjectID && other.hex === this.hex;
	}
	clone(): ObjectID {
		return new ObjectID(this.hex);
	}
}

try {
	EJSON.addType('oid', (hex) => new ObjectID(hex as string));
} catch {
	// The type exists already: Roomkey is loaded twice. Its two copies would not recognize each other's definitions.
	throw new Error(
		'roomkey is loaded twice in this process, as happens if it is loaded by import and by require. Load it by import ' +
			'alone: have "type": "module" in package.json, and for mocha with tsx --import=tsx/esm',
	);
}

/**
 * Counts a value and all values within it.
 * @throws Unreadable above either limit
 */
function countValues(value: unknown, maxDepth: number, maxCount: number): number {
	if (typeof value !== 'object' || value === null) return 1;
	if (maxDepth === 0) throw new Unreadable('nested too deep');
	let count = 1;
	for (const member of Array.isArray(value) ? value : Object.values(value)) {
		count += countValues(member, maxDepth - 1, maxCount - count);
		if (count > maxCount) throw new Unreadable('too many values');
	}
	return count;
}

/**
 * Parses untrusted JSON text.
 * @throws SyntaxError for invalid JSON; Unreadable if it is too deep, or contains too many values or a key `__proto__`
 */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	// A text of up to `2 * MAX_DEPTH` characters exceeds no limit: a level of nesting takes two of them, a value at least one.
	if (text.length > 2 * MAX_DEPTH) countValues(value, MAX_DEPTH, MAX_VALUES);
	// The search is slow. It is skipped for a text with neither the name nor an escape, by which the name can be written too.
	if (text.includes('__proto__') || text.includes('\\u00')) {
		try {
			scan(value as object, { protoAction: 'error', constructorAction: 'ignore' });
		} catch {
			throw new Unreadable('__proto__ is not allowed as a key');
		}
	}
	return value;
}

/** Whether JSON text can contain an EJSON type: each type is marked by a key that starts with `$`. */
export function mayHoldTypes(text: string): boolean {
	return text.includes('$') || text.includes('\\u0024');
}

/** The keys that mark an object as an EJSON type. Each list is one type, whose objects have no other keys. */
const TYPE_KEYS: readonly (readonly string[])[] = [
	['$date'],
	['$InfNaN'],
	['$binary'],
	['$escape'],
	['$regexp', '$flags'],
	['$type', '$value'],
];

/**
 * Maximum length of a string (in characters) or an array (in elements) that is the content of `$escape`: each character or
 * element becomes a key of an object.
 */
const MAX_ESCAPED_LENGTH = 100;

/** Whether an object with exactly these keys represents an EJSON type. */
function areTypeKeys(keys: readonly string[]): boolean {
	return TYPE_KEYS.some((type) => type.length === keys.length && type.every((key) => keys.includes(key)));
}

/** Decodes the types in a value. Changes it in place, because it was parsed from text and has no other references. */
function decodeInPlace(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length; i++) value[i] = decodeInPlace(value[i]);
		return value;
	}
	const members = value as Record<string, unknown>;
	const keys = Object.keys(members);
	if (keys.length <= 2 && areTypeKeys(keys)) {
		if (keys[0] !== '$escape') return EJSON.fromJSONValue(value as never);
		// The content of `$escape` is itself no type, but its members may be. Content that is a string or an array becomes an
		// object, as in Meteor.
		const { $escape } = members;
		const length = typeof $escape === 'string' || Array.isArray($escape) ? $escape.length : 0;
		if (length > MAX_ESCAPED_LENGTH) throw new TypeError('neither a long text nor a long list can be escaped');
		const content = Object.entries($escape as object);
		return Object.fromEntries(content.map(([key, member]) => [key, decodeInPlace(member)]));
	}
	for (const key of keys) {
		const decoded = decodeInPlace(members[key]);
		if (decoded !== members[key]) members[key] = decoded;
	}
	return value;
}

/**
 * Decodes the EJSON types in a parsed JSON value: `{"$date": 5}` becomes a Date. Arrays and objects are changed in
 * place.
 * @throws Unreadable for unknown types and malformed ones
 */
export function decode(value: unknown): unknown {
	try {
		return decodeInPlace(value);
	} catch (error) {
		// Clients do not receive the engine's messages (`str.charAt is not a function`); `cause` keeps them.
		throw new Unreadable('not decodable as EJSON', { cause: error });
	}
}

/** Parses untrusted EJSON text. Throws like `parseJson` and `decode`. */
export function parse(text: string): unknown {
	const value = parseJson(text);
	return mayHoldTypes(text) ? decode(value) : value;
}

/** Whether the package `ejson` would treat an object as plain: no instance of a class, and no methods of an EJSON type. */
function isPlain(value: object): value is Record<string, unknown> {
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== null) return false;
	const { clone, toJSONValue } = value as Record<string, unknown>;
	return typeof clone !== 'function' && typeof toJSONValue !== 'function';
}

/**
 * The elements of an `arguments` object; undefined for other objects. Meteor recognizes it by an own key `callee`. Here
 * `length` must also not exceed the number of keys, because otherwise a short message could represent a huge array.
 */
function argumentsOf(value: object): unknown[] | undefined {
	if (!Object.hasOwn(value, 'callee')) return undefined;
	const { length } = value as { length?: unknown };
	const isValidLength =
		Number.isInteger(length) && (length as number) >= 0 && (length as number) <= Object.keys(value).length;
	return isValidLength ? Array.from(value as ArrayLike<unknown>) : undefined;
}

/** Makes a deep copy. */
export function clone<T>(value: T): T;
export function clone(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	const elements = Array.isArray(value) ? value : argumentsOf(value);
	if (elements) return elements.map((element) => clone(element));
	if (!isPlain(value)) return EJSON.clone(value as never);
	const copy: Record<string, unknown> = {};
	// An own `__proto__` is left out: Meteor would make it the prototype of the copy.
	for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = clone(value[key]);
	return copy;
}

/**
 * Encodes a value as plain JSON. Returns the value itself if it already is plain JSON, like most values.
 */
function encode(value: unknown): unknown {
	if (typeof value === 'number') return Number.isFinite(value) ? value : EJSON.toJSONValue(value);
	if (typeof value !== 'object' || value === null) return value;
	// Nearly every document contains dates. This is faster than `EJSON.toJSONValue`, with the same result.
	if (value instanceof Date) return { $date: value.getTime() };
	const elements = Array.isArray(value) ? value : argumentsOf(value);
	if (elements) return encodeElements(elements);
	if (!isPlain(value)) return EJSON.toJSONValue(value as never);
	const keys = Object.keys(value);
	const json = encodeMembers(value, keys);
	return keys.length <= 2 && areTypeKeys(keys) ? { $escape: json } : json;
}

/** Returns the array itself if encoding changes none of its elements. */
function encodeElements(elements: readonly unknown[]): readonly unknown[] {
	for (let i = 0; i < elements.length; i++) {
		const json = encode(elements[i]);
		if (json !== elements[i]) return [...elements.slice(0, i), json, ...elements.slice(i + 1).map(encode)];
	}
	return elements;
}

/** Returns the object itself if encoding changes none of its members. */
function encodeMembers(value: Record<string, unknown>, keys: readonly string[]): object {
	for (let i = 0; i < keys.length; i++) {
		const key = keys[i] as string;
		const json = encode(value[key]);
		if (json === value[key]) continue;
		const before = keys.slice(0, i).map((name) => [name, value[name]]);
		const after = keys.slice(i + 1).map((name) => [name, encode(value[name])]);
		return Object.fromEntries([...before, [key, json], ...after]);
	}
	return value;
}

/**
 * Whether two values are equal in EJSON; the order of keys does not matter. `EJSON.equals` treats all RegExps as equal,
 * so the EJSON texts are compared instead.
 */
export function isSame(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (stringify(a) === stringify(b)) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
	return canonical(a) === canonical(b);
}

/** Canonical EJSON text: equal values have the same text, independent of the order of their keys. */
export function canonical(value: object): string {
	return canonicalText(encode(value)) as string;
}

/** The text of plain JSON with sorted keys; undefined for a value that JSON leaves out. */
function canonicalText(json: unknown): string | undefined {
	if (typeof json !== 'object' || json === null) return JSON.stringify(json);
	if (Array.isArray(json)) return `[${json.map((element) => canonicalText(element) ?? 'null').join(',')}]`;
	let text = '';
	for (const key of Object.keys(json).sort()) {
		const member = canonicalText((json as Record<string, unknown>)[key]);
		if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${member}`;
	}
	return `{${text}}`;
}

/**
 * Encodes a value as EJSON text; `undefined` for undefined, functions and symbols.
 * @throws Error for values that cannot be encoded: a BigInt, a cycle
 */
export function stringify(value: unknown): string | undefined {
	switch (typeof value) {
		case 'string':
		case 'boolean':
			return JSON.stringify(value);
		case 'undefined':
		case 'function':
		case 'symbol':
			return undefined;
		default:
			return JSON.stringify(encode(value));
	}
}

/**
 * EJSON as a format for `encodeInSlices`. An EJSON type cannot be split, because its text does not consist of the texts of
 * its members.
 */
export const ejsonFormat: JsonFormat = {
	stringify,
	canSplit(value): value is Record<string, unknown> {
		if (!isPlain(value) || typeof value.toJSON === 'function' || Object.hasOwn(value, 'callee')) return false;
		const keys = Object.keys(value);
		return keys.length > 2 || !areTypeKeys(keys);
	},
};
