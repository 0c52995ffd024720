/**
 * The values that every store can store: JSON and dates. Undefined members are left out, as by `ignoreUndefined` of
 * MongoDB's driver. In an array undefined is refused, because leaving it out would move the later elements.
 */

/** A document or a part of one. */
export type Fields = Record<string, unknown>;

export type Document = Fields & { readonly _id: string };

/** Whether a value is a plain object. */
export function isFields(value: unknown): value is Fields {
	if (typeof value !== 'object' || value === null) return false;
	const prototype = Object.getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null;
}

export type Scalar = string | number | boolean | Date;

/** Whether a value is a string, a finite number, a boolean, or a valid date. */
export function isScalar(value: unknown): value is Scalar {
	if (typeof value === 'number') return Number.isFinite(value);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	return typeof value === 'string' || typeof value === 'boolean';
}

/** Whether two scalars or nulls are the same value. */
export function isSameScalar(a: unknown, b: unknown): boolean {
	return a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime());
}

/** LMDB limits the length of keys. */
const MAX_ID_BYTES = 512;

/** Whether a value can be the `_id` of a document. */
export function isId(value: unknown): value is string {
	return (
		typeof value === 'string' &&
		value !== '' &&
		value !== '__proto__' &&
		!value.includes('\0') &&
		Buffer.byteLength(value) <= MAX_ID_BYTES
	);
}

/** Maximum nesting of arrays and objects in a document. */
export const MAX_DEPTH = 16;

/**
 * Makes a deep copy of a value to store.
 * @param path path of the value, for the message
 * @param levels maximum nesting within the value
 * @throws TypeError with the path of the first value that cannot be stored
 */
export function copyStorable(value: unknown, path: string, levels = MAX_DEPTH): unknown {
	// An unpaired surrogate cannot be stored as UTF-8. MongoDB's driver replaces it too.
	if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
	if (value instanceof Date && isScalar(value)) return new Date(value);
	// -0 becomes 0, because MongoDB's driver stores it without the sign.
	if (typeof value === 'number' && isScalar(value)) return value + 0;
	if (value === null || isScalar(value)) return value;
	if (levels === 0) throw new TypeError(`${path}: nested too deep`);
	// `map` would skip the holes of a sparse array.
	if (Array.isArray(value)) return Array.from(value, (item, i) => copyStorable(item, `${path}.${i}`, levels - 1));
	if (value === undefined)
		throw new TypeError(
			`${path}: undefined cannot be stored here. Only members of objects may be undefined; they are left out`,
		);
	if (!isFields(value)) throw new TypeError(`${path}: ${describeType(value)} cannot be stored`);
	const copy: Fields = {};
	for (const key of Object.keys(value)) {
		// Filters and updates would read a dollar as an operator, and a dot as a path.
		if (key === '' || key.startsWith('$') || key === '__proto__' || /[.\0]/.test(key))
			throw new TypeError(`${path}: a field cannot be named '${key}'`);
		if (value[key] !== undefined) copy[key] = copyStorable(value[key], `${path}.${key}`, levels - 1);
	}
	return copy;
}

/** Checks and copies a new document. @throws TypeError */
export function checkedDocument(document: { _id: string }): Document {
	if (!isId(document._id))
		throw new TypeError('A document needs an _id, a string of 1 to 512 bytes, such as crypto.randomUUID()');
	const stored = copyStorable(document, 'document') as Document;
	return '_updatedAt' in stored ? stored : { _updatedAt: new Date(), ...stored };
}

/** Whether a value can be stored. */
export function isStorable(value: unknown, levels = MAX_DEPTH): boolean {
	try {
		copyStorable(value, '', levels);
		return true;
	} catch {
		return false;
	}
}

/** A deep copy of a stored value. */
export function ownCopy<V>(value: V): V {
	if (typeof value !== 'object' || value === null) return value;
	if (value instanceof Date) return new Date(value) as V;
	if (Array.isArray(value)) return value.map(ownCopy) as V;
	const copy: Fields = {};
	for (const key in value) copy[key] = ownCopy(value[key]);
	return copy as V;
}

/** Names the type, for messages that must not reveal the value. */
export function describeType(value: unknown): string {
	if (typeof value === 'number') return Number.isFinite(value) ? 'number' : 'a number that is not finite';
	if (value instanceof Date) return isScalar(value) ? 'Date' : 'an invalid date';
	if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
	return value === null ? 'null' : typeof value;
}

/** The value at a path, such as `u._id`. */
export function valueAt(document: object, path: string): unknown {
	let value: unknown = document;
	for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
	return value;
}
