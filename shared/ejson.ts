/**
 * EJSON set up once: which text is read, which types it knows (`test/contract/check.md` section 10, `test/contract/ddp.md`
 * section 2). What a type looks like on the wire is the npm package `ejson`, Meteor's own code. The way through arrays
 * and objects is ours: the package's takes a second for a text of a megabyte, and an object with a key `callee` for
 * `arguments` as long as it says, be that two billion.
 */
import EJSON from 'ejson';
import { scan } from 'secure-json-parse';

/** Deepest nesting that is read: 100 arrays or objects within one another. Meteor's limit is its stack. */
export const MAX_DEPTH = 100;

/** Most values in one text: looking at each of them must not keep other callers waiting. */
export const MAX_VALUES = 100_000;

/** What is sound JSON but must not be read: too deep, too many values, with a `__proto__`, or not decodable as EJSON. */
export class Unreadable extends Error {}

/** The id type of MongoDB as clients send it: `{"$type": "oid", "$value": "<24 hex digits>"}`. */
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

EJSON.addType('oid', (hex) => new ObjectID(hex as string));

/**
 * Counts the values within a value, itself included.
 * @param levels of nesting that are allowed
 * @param most that are allowed
 * @throws Unreadable where there is more of either
 */
function countValues(value: unknown, levels: number, most: number): number {
	if (typeof value !== 'object' || value === null) return 1;
	if (levels === 0) throw new Unreadable('nested too deep');
	let count = 1;
	for (const member of Array.isArray(value) ? value : Object.values(value)) {
		count += countValues(member, levels - 1, most - count);
		if (count > most) throw new Unreadable('too many values');
	}
	return count;
}

/**
 * Reads JSON text from outside.
 * @throws SyntaxError where it is not JSON; Unreadable where it is too deep, holds too many values or a key `__proto__`
 */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	// Each level takes two characters, so short texts, nearly all of them, need no walk.
	if (text.length > 2 * MAX_DEPTH) countValues(value, MAX_DEPTH, MAX_VALUES);
	// The key can also be spelled with escapes, of whatever letter; only then is the value searched for it.
	if (text.includes('__proto__') || text.includes('\\u00')) {
		try {
			scan(value as object, { protoAction: 'error', constructorAction: 'ignore' });
		} catch {
			throw new Unreadable('__proto__ is not allowed as a key');
		}
	}
	return value;
}

/** Whether JSON text can hold an EJSON type at all: each is marked by a key that starts with `$`. */
export function mayHoldTypes(text: string): boolean {
	return text.includes('$') || text.includes('\\u0024');
}

/** Marks of a type, by the number of keys that such an object has. Only those keys may stand in it. */
const MARKS: readonly (readonly string[])[] = [
	['$date'],
	['$InfNaN'],
	['$binary'],
	['$escape'],
	['$regexp', '$flags'],
	['$type', '$value'],
];

/** In characters. */
const MAX_ESCAPED_LENGTH = 100;

/** Whether an object with these keys, and no others, stands for something else. */
function areMarks(keys: readonly string[]): boolean {
	return MARKS.some((mark) => mark.length === keys.length && mark.every((key) => keys.includes(key)));
}

/** Changes the value in place: it was made by reading text, and nothing else refers to it. */
function decodeWithin(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length; i++) value[i] = decodeWithin(value[i]);
		return value;
	}
	const members = value as Record<string, unknown>;
	const keys = Object.keys(members);
	if (keys.length <= 2 && areMarks(keys)) {
		if (keys[0] !== '$escape') return EJSON.fromJSONValue(value as never);
		// Removes one level of escape: its content is not decoded as a type. A text or a list becomes an object.
		const { $escape } = members;
		const length = typeof $escape === 'string' || Array.isArray($escape) ? $escape.length : 0;
		if (length > MAX_ESCAPED_LENGTH) throw new TypeError('neither a long text nor a long list can be escaped');
		const within = Object.entries($escape as object);
		return Object.fromEntries(within.map(([key, member]) => [key, decodeWithin(member)]));
	}
	for (const key of keys) {
		const decoded = decodeWithin(members[key]);
		if (decoded !== members[key]) members[key] = decoded;
	}
	return value;
}

/**
 * Turns a JSON value that was read into what it stands for in EJSON: `{"$date": 5}` into a Date. Arrays and objects are
 * changed, not copied.
 * @throws Unreadable for unknown types and malformed ones
 */
export function decode(value: unknown): unknown {
	try {
		return decodeWithin(value);
	} catch (error) {
		// Clients do not see the engine's texts (`str.charAt is not a function`); the cause keeps them.
		throw new Unreadable('not decodable as EJSON', { cause: error });
	}
}

/** Reads EJSON text from outside. Throws as `parseJson` and `decode` do. */
export function parse(text: string): unknown {
	const value = parseJson(text);
	return mayHoldTypes(text) ? decode(value) : value;
}

/** Whether the package has nothing to say of an object that we would not: it is no type, and knows not to copy itself. */
function isPlain(value: object): value is Record<string, unknown> {
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype && prototype !== null) return false;
	const { clone, toJSONValue } = value as Record<string, unknown>;
	return typeof clone !== 'function' && typeof toJSONValue !== 'function';
}

/**
 * The elements of `arguments`. Meteor takes any object with an own key `callee` for that. Here its length must be borne out
 * by as many keys, or a short message could stand for an endless list.
 */
function argumentsOf(value: object): unknown[] | undefined {
	if (!Object.hasOwn(value, 'callee')) return undefined;
	const { length } = value as { length?: unknown };
	const isLength =
		Number.isInteger(length) && (length as number) >= 0 && (length as number) <= Object.keys(value).length;
	return isLength ? Array.from(value as ArrayLike<unknown>) : undefined;
}

/** A deep copy: changing it leaves the original as it is. */
export function clone<T>(value: T): T;
export function clone(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	const elements = Array.isArray(value) ? value : argumentsOf(value);
	if (elements) return elements.map((element) => clone(element));
	if (!isPlain(value)) return EJSON.clone(value as never);
	const copy: Record<string, unknown> = {};
	// Meteor makes an own `__proto__` the prototype of the copy.
	for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = clone(value[key]);
	return copy;
}

/** What a value is in plain JSON; the value itself where it is that already, as most are. Each part is looked at once. */
function encode(value: unknown): unknown {
	if (typeof value === 'number') return Number.isFinite(value) ? value : EJSON.toJSONValue(value);
	if (typeof value !== 'object' || value === null) return value;
	// As the package has it, which tries all other types first; nearly every document has some.
	if (value instanceof Date) return { $date: value.getTime() };
	const elements = Array.isArray(value) ? value : argumentsOf(value);
	if (elements) return encodeElements(elements);
	if (!isPlain(value)) return EJSON.toJSONValue(value as never);
	const keys = Object.keys(value);
	const json = encodeMembers(value, keys);
	return keys.length <= 2 && areMarks(keys) ? { $escape: json } : json;
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

/**
 * Whether two values are the same to EJSON; the order of keys does not count. Its own comparison takes any two RegExps
 * for equal, their texts differ.
 */
export function isSame(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (stringify(a) === stringify(b)) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
	return canonical(a) === canonical(b);
}

/** EJSON text that is the same for values that are the same, whatever the order of their keys. */
export function canonical(value: object): string {
	return JSON.stringify(inOrder(encode(value)));
}

function inOrder(json: unknown): unknown {
	if (typeof json !== 'object' || json === null) return json;
	if (Array.isArray(json)) return json.map(inOrder);
	const entries = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(entries.map(([key, member]) => [key, inOrder(member)]));
}

/**
 * Writes a value as EJSON text; `undefined` for what has none (undefined, functions, symbols).
 * @throws Error for what cannot be written: a BigInt, a cycle
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
