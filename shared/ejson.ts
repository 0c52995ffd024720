/**
 * EJSON: limits for parsing, and the supported types (`test/contract/check.md` section 10, `test/contract/ddp.md`
 * section 2). The npm package `ejson` encodes and decodes the types. Its traversal of arrays and objects is not used.
 * It takes a second for a megabyte of text, and can be made to iterate two billion times.
 */
import EJSON from 'ejson';
import { scan } from 'secure-json-parse';
import type { JsonFormat } from './slices.js';

/** Maximum nesting of arrays and objects. */
export const MAX_DEPTH = 100;

/** Maximum number of values in one text. The traversal blocks other callers. */
export const MAX_VALUES = 100_000;

/** Refused JSON: too deep, too many values, a key `__proto__`, or not decodable as EJSON. */
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
	// Two copies of Roomkey would not recognize each other's definitions.
	throw new Error(
		'roomkey is loaded twice in this process, as happens if it is loaded by import and by require. Load it by import ' +
			'alone: have "type": "module" in package.json, and for mocha with tsx --import=tsx/esm',
	);
}

/** @throws Unreadable above either limit */
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

/** Parses untrusted JSON text. @throws SyntaxError for invalid JSON; Unreadable */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	// A shorter text cannot exceed the limits: each level of nesting takes two characters.
	if (text.length > 2 * MAX_DEPTH) countValues(value, MAX_DEPTH, MAX_VALUES);
	// The search is slow. The name can also be written with escapes.
	if (text.includes('__proto__') || text.includes('\\u00')) {
		try {
			scan(value as object, { protoAction: 'error', constructorAction: 'ignore' });
		} catch {
			throw new Unreadable('__proto__ is not allowed as a key');
		}
	}
	return value;
}

/** Whether JSON text can contain an EJSON type, whose keys start with `$`. */
export function mayHoldTypes(text: string): boolean {
	return text.includes('$') || text.includes('\\u0024');
}

/** The keys of each EJSON type, whose objects have no other keys. */
const TYPE_KEYS: readonly (readonly string[])[] = [
	['$date'],
	['$InfNaN'],
	['$binary'],
	['$escape'],
	['$regexp', '$flags'],
	['$type', '$value'],
];

/** Maximum length of a string or an array in `$escape`. Each character or element becomes a key of an object. */
const MAX_ESCAPED_LENGTH = 100;

function areTypeKeys(keys: readonly string[]): boolean {
	return TYPE_KEYS.some((type) => type.length === keys.length && type.every((key) => keys.includes(key)));
}

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
		// The content of `$escape` is itself no type, but its members may be. A string or an array becomes an object,
		// as in Meteor.
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
 * Decodes the EJSON types in a parsed JSON value. Changes arrays and objects in place.
 * @throws Unreadable for unknown or malformed types
 */
export function decode(value: unknown): unknown {
	try {
		return decodeInPlace(value);
	} catch (error) {
		// Clients do not receive the engine's message.
		throw new Unreadable('not decodable as EJSON', { cause: error });
	}
}

/** Parses untrusted EJSON text. @throws as `parseJson` and `decode` */
export function parse(text: string): unknown {
	const value = parseJson(text);
	return mayHoldTypes(text) ? decode(value) : value;
}

function isPlain(value: object): value is Record<string, unknown> {
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== null) return false;
	const { clone, toJSONValue } = value as Record<string, unknown>;
	return typeof clone !== 'function' && typeof toJSONValue !== 'function';
}

/**
 * The elements of an object that Meteor takes for `arguments`; undefined for other objects. A short message must not
 * represent a huge array, so `length` is limited.
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
	// Meteor would make an own `__proto__` the prototype of the copy.
	for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = clone(value[key]);
	return copy;
}

/** Returns the value itself if it already is plain JSON, like most values. */
function encode(value: unknown): unknown {
	if (typeof value === 'number') return Number.isFinite(value) ? value : EJSON.toJSONValue(value);
	if (typeof value !== 'object' || value === null) return value;
	// Nearly every document contains dates. This is faster than `EJSON.toJSONValue`.
	if (value instanceof Date) return { $date: value.getTime() };
	const elements = Array.isArray(value) ? value : argumentsOf(value);
	if (elements) return encodeElements(elements);
	if (!isPlain(value)) return EJSON.toJSONValue(value as never);
	const keys = Object.keys(value);
	const json = encodeMembers(value, keys);
	return keys.length <= 2 && areTypeKeys(keys) ? { $escape: json } : json;
}

function encodeElements(elements: readonly unknown[]): readonly unknown[] {
	for (let i = 0; i < elements.length; i++) {
		const json = encode(elements[i]);
		if (json !== elements[i]) return [...elements.slice(0, i), json, ...elements.slice(i + 1).map(encode)];
	}
	return elements;
}

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

/** Whether two values are equal in EJSON, with keys in any order. To `EJSON.equals` all RegExps are equal. */
export function isSame(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (stringify(a) === stringify(b)) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
	return canonical(a) === canonical(b);
}

/** EJSON text with sorted keys: equal values have the same text. */
export function canonical(value: object): string {
	return canonicalText(encode(value)) as string;
}

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

/** Encodes a value as EJSON text. @throws Error for a BigInt or a cycle */
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

/** EJSON for `encodeInSlices`. The text of an EJSON type does not consist of the texts of its members. */
export const ejsonFormat: JsonFormat = {
	stringify,
	canSplit(value): value is Record<string, unknown> {
		if (!isPlain(value) || typeof value.toJSON === 'function' || Object.hasOwn(value, 'callee')) return false;
		const keys = Object.keys(value);
		return keys.length > 2 || !areTypeKeys(keys);
	},
};
