/** What a filter asks of a field, for indexes: every matching document has one of the values. */

import { type Fields, isFields, isScalar, type Scalar } from '../../shared/values.js';
import { ownField } from './reach.js';

/** The values that a filter allows for a field, if it lists them. */
export function valuesAsked(filter: Fields, field: string): readonly Scalar[] | undefined {
	return inConjunction(filter, field, (condition) => {
		if (isScalar(condition)) return [condition];
		if (!isFields(condition)) return undefined;
		if (isScalar(condition.$eq)) return [condition.$eq];
		return Array.isArray(condition.$in) && condition.$in.every(isScalar) ? condition.$in : undefined;
	});
}

/** The exclusive lower bound of a field, for pages that continue after the last one; only a text. */
export function lowerBound(filter: Fields, field: string): string | undefined {
	return inConjunction(filter, field, (condition) =>
		isFields(condition) && typeof condition.$gt === 'string' ? condition.$gt : undefined,
	);
}

/** A pattern for a whole text without regard to case. */
const WHOLE_TEXT = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*)\$$/;

/** The text with folded case that a pattern such as `/^alice$/i` asks for. */
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

/** Reads the condition on a field; if there is nothing to read, those in `$and`. */
function inConjunction<R>(filter: Fields, field: string, read: (condition: unknown) => R | undefined): R | undefined {
	const found = read(ownField(filter, field));
	if (found !== undefined || !Array.isArray(filter.$and)) return found;
	for (const part of filter.$and) {
		const inner = inConjunction(part as Fields, field, read);
		if (inner !== undefined) return inner;
	}
	return undefined;
}
