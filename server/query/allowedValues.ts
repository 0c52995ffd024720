/** Reads from a filter which values a field may have, so that an index can be used. */

import { type Fields, isFields, isScalar, type Scalar } from '../../shared/values.js';
import { ownField } from './reach.js';

/**
 * The values that a filter allows for a field. Every matching document has one of them. Undefined without an equality
 * or `$in` of scalars.
 */
export function allowedValues(filter: Fields, field: string): readonly Scalar[] | undefined {
	// The usual condition is answered first, without a closure.
	const ownCondition = ownField(filter, field);
	if (typeof ownCondition === 'string') return [ownCondition];
	return firstFromConditions(filter, field, (condition) => {
		if (isScalar(condition)) return [condition];
		if (!isFields(condition)) return undefined;
		if (isScalar(condition.$eq)) return [condition.$eq];
		return Array.isArray(condition.$in) && condition.$in.every(isScalar) ? condition.$in : undefined;
	});
}

/** The string of a `$gt` condition on a field, such as the last value of the previous page. */
export function lowerBound(filter: Fields, field: string): string | undefined {
	return firstFromConditions(filter, field, (condition) =>
		isFields(condition) && typeof condition.$gt === 'string' ? condition.$gt : undefined,
	);
}

/** The source of a RegExp without wildcards, from `^` to `$`. The group is the text between them. */
const WHOLE_TEXT = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*)\$$/;

/**
 * The one text that a pattern such as `/^alice$/i` allows for a field, with folded case. It is in a list, like the
 * result of `allowedValues`.
 */
export function allowedTextIgnoringCase(filter: Fields, field: string): readonly [string] | undefined {
	return firstFromConditions(filter, field, (condition) => {
		if (!(condition instanceof RegExp) || condition.flags !== 'i') return undefined;
		const text = WHOLE_TEXT.exec(condition.source)?.[1];
		return text === undefined ? undefined : [foldCase(withoutBackslashes(text))];
	});
}

const withoutBackslashes = (source: string) => source.replace(/\\(.)/g, '$1');

/** Folds each UTF-16 unit to upper case, exactly as patterns with the flag `i` do. */
export function foldCase(text: string): string {
	return text.replace(/[\s\S]/g, (character) => {
		const upper = character.toUpperCase();
		const becomesAscii = character > '\x7f' && upper <= '\x7f';
		return upper.length === 1 && !becomesAscii ? upper : character;
	});
}

/** The first defined result of `read` for a condition on the field, also within `$and`. */
function firstFromConditions<R>(
	filter: Fields,
	field: string,
	read: (condition: unknown) => R | undefined,
): R | undefined {
	const result = read(ownField(filter, field));
	if (result !== undefined || !Array.isArray(filter.$and)) return result;
	for (const part of filter.$and) {
		const innerResult = firstFromConditions(part as Fields, field, read);
		if (innerResult !== undefined) return innerResult;
	}
	return undefined;
}
