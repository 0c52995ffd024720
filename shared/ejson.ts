/**
 * EJSON set up once: which text is read, which types it knows (`contract/check.md` section 10, `contract/ddp.md`
 * section 2). The encoding itself is the npm package `ejson`, Meteor's own code.
 */
import EJSON from 'ejson';
import { scan } from 'secure-json-parse';

/** Deepest nesting that is read: 100 arrays or objects within one another. Meteor's limit is its stack. */
export const MAX_DEPTH = 100;

/** What is sound JSON but must not be read: too deep, with a `__proto__`, or not decodable as EJSON. */
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

/** A deep copy: changing it leaves the original as it is. */
export const clone: <T>(value: T) => T = EJSON.clone;

const CANONICAL = { canonical: true } as const;

EJSON.addType('oid', (hex) => new ObjectID(hex as string));

function isDeeperThan(value: unknown, levels: number): boolean {
	if (typeof value !== 'object' || value === null) return false;
	if (levels === 0) return true;
	for (const member of Object.values(value)) if (isDeeperThan(member, levels - 1)) return true;
	return false;
}

/**
 * Reads JSON text from outside.
 * @throws SyntaxError where it is not JSON; Unreadable where it is too deep or holds a key `__proto__`
 */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	// Each level takes two characters, so short texts, nearly all of them, need no walk.
	if (text.length > 2 * MAX_DEPTH && isDeeperThan(value, MAX_DEPTH)) throw new Unreadable('nested too deep');
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

/**
 * Turns a JSON value into what it stands for in EJSON: `{"$date": 5}` into a Date.
 * @throws Unreadable for unknown types and malformed ones
 */
export function decode(value: unknown): unknown {
	try {
		return EJSON.fromJSONValue(value as string);
	} catch (error) {
		// The texts of the engine (`str.charAt is not a function`) are nobody's business; the cause keeps them.
		throw new Unreadable('not decodable as EJSON', { cause: error });
	}
}

/** Reads EJSON text from outside. Throws as `parseJson` and `decode` do. */
export function parse(text: string): unknown {
	const value = parseJson(text);
	return mayHoldTypes(text) ? decode(value) : value;
}

/**
 * Whether two values are the same to EJSON; the order of keys does not count. Its own comparison takes any two RegExps
 * for equal, their texts differ.
 */
export function isSame(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (stringify(a) === stringify(b)) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
	return EJSON.stringify(a, CANONICAL) === EJSON.stringify(b, CANONICAL);
}

/** EJSON text that is the same for values that are the same, whatever the order of their keys. */
export function canonical(value: object): string {
	return EJSON.stringify(value as Parameters<typeof EJSON.stringify>[0], CANONICAL);
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
			return value === null ? 'null' : EJSON.stringify(value);
	}
}
