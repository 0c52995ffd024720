/** Formats a value for the text of a match error (`test/contract/check.md` section 4). */
import { stringify } from './ejson.js';

/** In characters. */
const MAX_LENGTH = 10_000;

/** `null` or the `typeof` of a value. Errors show it where the value may be a secret. */
export function typeName(value: unknown): string {
	return value === null ? 'null' : typeof value;
}

/**
 * The EJSON text of a value, truncated if very long. `object` for an object without JSON text, such as one that
 * contains itself.
 * @throws TypeError for a BigInt, as in Meteor
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
