/** How a value shows in the text of a match error (`test/contract/check.md` section 4). */
import { stringify } from './ejson.js';

/** Longest text of a value, in characters: nobody reads more, and who sends it wants it back least of all. */
const MAX_LENGTH = 10_000;

/** `null`, or what `typeof` says: all that type checks tell, so that no secret gets into a text. */
export function typeName(value: unknown): string {
	return value === null ? 'null' : typeof value;
}

/**
 * The EJSON text of a value, cut where it is very long; `undefined` for what has none; its type for an object JSON cannot write, such as a cycle.
 * @throws TypeError for a BigInt, as the original does by accident; none can come from outside
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
