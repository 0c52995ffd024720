/** The part of EJSON that Rocket.Chat's web client writes into encrypted messages: dates, and escaped objects. */
import { isObject } from './bytes.js';

/** Maximum nesting. Deeper content could overflow the stack. */
const MAX_DEPTH = 200;

/** The sorted keys of each EJSON type. */
const TYPE_KEYS = ['$date', '$flags $regexp', '$InfNaN', '$binary', '$escape', '$type $value'];

const hasTypeKeys = (value: Record<string, unknown>) => TYPE_KEYS.includes(Object.keys(value).sort().join(' '));

/** @throws Error for content that cannot be encoded, such as a cycle */
export function toEjsonText(value: Record<string, unknown>): string {
	return JSON.stringify(encode(value, 0));
}

/** Decodes dates and escaped objects. Other EJSON types, and a `$date` that is the whole content, stay objects. */
export function fromEjson(value: Record<string, unknown>): Record<string, unknown> {
	return hasTypeKeys(value) && isObject(value.$escape)
		? convertMembers(value.$escape, 0, decode)
		: convertMembers(value, 0, decode);
}

function encode(value: unknown, depth: number): unknown {
	if (value instanceof Date) return { $date: value.getTime() };
	if (typeof value !== 'object' || value === null) return value;
	if (depth > MAX_DEPTH) throw new RangeError('too deep');
	if (Array.isArray(value)) return value.map((item) => encode(item, depth + 1));
	// As in `JSON.stringify`.
	const { toJSON } = value as { toJSON?: unknown };
	if (typeof toJSON === 'function') return encode(toJSON.call(value), depth + 1);
	const encoded = convertMembers(value as Record<string, unknown>, depth, encode);
	return hasTypeKeys(value as Record<string, unknown>) ? { $escape: encoded } : encoded;
}

function decode(value: unknown, depth: number): unknown {
	const isArray = Array.isArray(value);
	if (!isArray && !isObject(value)) return value;
	if (depth > MAX_DEPTH) throw new RangeError('too deep');
	if (isArray) return value.map((item) => decode(item, depth + 1));
	if (hasTypeKeys(value)) {
		if (typeof value.$date === 'number') return new Date(value.$date);
		if (isObject(value.$escape)) return convertMembers(value.$escape, depth, decode);
	}
	return convertMembers(value, depth, decode);
}

function convertMembers(
	value: Record<string, unknown>,
	depth: number,
	convert: (value: unknown, depth: number) => unknown,
): Record<string, unknown> {
	// An assignment to a member named `__proto__` would set the prototype.
	return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, convert(member, depth + 1)]));
}
