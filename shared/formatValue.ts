/** Formats a value for the text of a match error (`test/contract/check.md` section 4). */
import { stringify } from './ejson.js';

/** Maximum length of a formatted value, in characters. */
const MAX_LENGTH = 10_000;

/**
 * The type of a value: `null` or the result of `typeof`. Where a string, a number, a boolean, a function or undefined is
 * expected, the error contains this type instead of the value, which may be a secret.
 */
export function typeName(value: unknown): string {
	return value === null ? 'null' : typeof value;
}

/**
 * The EJSON text of a value, truncated if very long; `undefined` for values without one; `object` for an object that
 * JSON cannot represent, such as one that contains itself.
 * @throws TypeError for a BigInt, as in Meteor; clients cannot send one
 */
export function formatValue(value: unknown): string {
	if (typeof value === 'object' && value !== null) {
		try {
			JSON.stringify(value);
		} catch {
			return typeof value;
		}
	}
	const text = String(stringify(value));
	return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
