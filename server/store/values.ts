/**
 * What may be stored: JSON and dates. MongoDB could hold more, but then the two stores would not give back the same:
 * `undefined` becomes null in one and nothing in the other, NaN turns into null in a file.
 */

/** A document or a part of one. */
export type Fields = Record<string, unknown>;

/** Whether a value has fields: neither null, an array, a date nor an instance of some class. */
export function isFields(value: unknown): value is Fields {
	if (typeof value !== 'object' || value === null) return false;
	const prototype = Object.getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null;
}

/** Whether a value is a string, a finite number, a boolean, or a valid date. */
export function isScalar(value: unknown): value is string | number | boolean | Date {
	if (typeof value === 'number') return Number.isFinite(value);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	return typeof value === 'string' || typeof value === 'boolean';
}

/** Most levels of arrays and objects in a document: nedb looks at the elements of an array twice at each of them. */
const DEEPEST = 16;

/**
 * A deep copy of what is to be stored, so that the caller may change its own afterwards.
 *
 * @param path where the value stands, for the message
 * @param levels how many may be below it
 * @throws TypeError naming the place of the first thing that cannot be stored
 */
export function copyStorable(value: unknown, path: string, levels = DEEPEST): unknown {
	if (value instanceof Date && isScalar(value)) return new Date(value);
	if (value === null || isScalar(value)) return value;
	if (levels === 0) throw new TypeError(`${path}: nested too deep`);
	// Not map: it would skip the holes of a sparse array.
	if (Array.isArray(value)) return Array.from(value, (item, i) => copyStorable(item, `${path}.${i}`, levels - 1));
	if (!isFields(value)) throw new TypeError(`${path}: ${kindOf(value)} cannot be stored`);
	const copy: Fields = {};
	for (const [key, field] of Object.entries(value)) {
		// A dollar or a dot would read as an operator or a path later on.
		if (key.startsWith('$') || key.includes('.') || key === '__proto__')
			throw new TypeError(`${path}: a field cannot be named ${key}`);
		copy[key] = copyStorable(field, `${path}.${key}`, levels - 1);
	}
	return copy;
}

/** A deep copy of something stored: nedb keeps the very documents it finds. */
export function ownCopy(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (value instanceof Date) return new Date(value);
	if (Array.isArray(value)) return value.map(ownCopy);
	const copy: Fields = {};
	for (const [key, field] of Object.entries(value)) copy[key] = ownCopy(field);
	return copy;
}

/** What a value is, in a word that does not show it. */
export function kindOf(value: unknown): string {
	if (typeof value === 'number') return 'a number that is not finite';
	if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
	return value === null ? 'null' : typeof value;
}
