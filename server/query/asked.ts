/** Reads from a filter which values it allows for a field, so that an index can be used. */

import { type Fields, isFields, isScalar, type Scalar } from '../../shared/values.js';
import { ownField } from './reach.js';

/**
 * The values that a filter allows for a field; undefined if it does not list them. Every matching document has one of
 * them.
 */
export function valuesAsked(filter: Fields, field: string): readonly Scalar[] | undefined {
	const asked = ownField(filter, field);
	if (typeof asked === 'string') return [asked];
	return inConjunction(filter, field, (condition) => {
		if (isScalar(condition)) return [condition];
		if (!isFields(condition)) return undefined;
		if (isScalar(condition.$eq)) return [condition.$eq];
		return Array.isArray(condition.$in) && condition.$in.every(isScalar) ? condition.$in : undefined;
	});
}

/** The exclusive lower bound of a field, if the filter has one that is a string. Queries by page use it to continue. */
export function lowerBound(filter: Fields, field: string): string | undefined {
	return inConjunction(filter, field, (condition) =>
		isFields(condition) && typeof condition.$gt === 'string' ? condition.$gt : undefined,
	);
}

/** The source of a RegExp that matches exactly one whole text. The group is that text with its escapes. */
const WHOLE_TEXT = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*)\$$/;

/**
 * The text, with folded case, that a field must have for a pattern such as `/^alice$/i`; undefined for other
 * conditions.
 */
export function textAskedIgnoringCase(filter: Fields, field: string): string | undefined {
	return inConjunction(filter, field, (condition) => {
		if (!(condition instanceof RegExp) || condition.flags !== 'i') return undefined;
		const text = WHOLE_TEXT.exec(condition.source)?.[1];
		return text === undefined ? undefined : foldCase(text.replace(/\\(.)/g, '$1'));
	});
}

/** Folds the case of a text like patterns with the flag `i`: a letter beyond ASCII never becomes an ASCII one. */
export function foldCase(text: string): string {
	return text.replace(/[\s\S]/g, (character) => {
		const upper = character.toUpperCase();
		return upper.length === 1 && (character <= '\x7f' || upper > '\x7f') ? upper : character;
	});
}

/** Calls `read` with the condition on a field. If it returns undefined, continues with the filters in `$and`. */
function inConjunction<R>(filter: Fields, field: string, read: (condition: unknown) => R | undefined): R | undefined {
	const found = read(ownField(filter, field));
	if (found !== undefined || !Array.isArray(filter.$and)) return found;
	for (const part of filter.$and) {
		const inner = inConjunction(part as Fields, field, read);
		if (inner !== undefined) return inner;
	}
	return undefined;
}
