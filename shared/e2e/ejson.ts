/**
 * The part of EJSON that encrypted messages contain. Rocket.Chat's web client writes them as EJSON: a `Date` is
 * `{"$date": ms}`, and an object that looks the same is escaped.
 */
import { isObject } from './bytes.js';

/** Maximum depth: deeper content could overflow the stack. */
const MAX_DEPTH = 200;

/** The sets of keys that are special in EJSON. */
const SPECIAL = ['$date', '$flags $regexp', '$InfNaN', '$binary', '$escape', '$type $value'];

const isSpecial = (value: Record<string, unknown>) => SPECIAL.includes(Object.keys(value).sort().join(' '));

/** The JSON text. @throws Error for content without one, such as a cycle */
export function toEjsonText(value: Record<string, unknown>): string {
	return JSON.stringify(encode(value, 0));
}

/** Decodes dates. Other special forms of EJSON are left unchanged. */
export function fromEjson(value: Record<string, unknown>): Record<string, unknown> {
	return isSpecial(value) && isObject(value.$escape) ? members(value.$escape, 0, decode) : members(value, 0, decode);
}

function encode(value: unknown, depth: number): unknown {
	if (value instanceof Date) return { $date: value.getTime() };
	if (typeof value !== 'object' || value === null) return value;
	if (depth > MAX_DEPTH) throw new RangeError('too deep');
	if (Array.isArray(value)) return value.map((item) => encode(item, depth + 1));
	// As in JSON.stringify.
	const { toJSON } = value as { toJSON?: unknown };
	if (typeof toJSON === 'function') return encode(toJSON.call(value), depth + 1);
	const encoded = members(value as Record<string, unknown>, depth, encode);
	return isSpecial(value as Record<string, unknown>) ? { $escape: encoded } : encoded;
}

function decode(value: unknown, depth: number): unknown {
	if (Array.isArray(value)) return value.map((item) => decode(item, depth + 1));
	if (!isObject(value)) return value;
	if (depth > MAX_DEPTH) throw new RangeError('too deep');
	if (isSpecial(value)) {
		if (typeof value.$date === 'number') return new Date(value.$date);
		if (isObject(value.$escape)) return members(value.$escape, depth, decode);
	}
	return members(value, depth, decode);
}

function members(
	value: Record<string, unknown>,
	depth: number,
	convert: (value: unknown, depth: number) => unknown,
): Record<string, unknown> {
	// Not by assignment, because a member may be named __proto__.
	return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, convert(member, depth + 1)]));
}
