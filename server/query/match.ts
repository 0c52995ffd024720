/** Checks and compiles filters: a subset of MongoDB's, with the same semantics. All stores refuse other filters. */

import { describeType, type Fields, isFields, isSameScalar, isScalar } from '../../shared/values.js';
import { compare, rankOf } from './order.js';
import { ownField, reach } from './reach.js';

/** Whether a document matches a filter. */
export type Matcher = (document: Fields) => boolean;

/** Tests the values at a path, as `reach` returns them: several if the path leads through an array. */
type Test = (values: readonly unknown[]) => boolean;

type ValueTest = (value: unknown) => boolean;

const MAX_DEPTH = 16;

/**
 * Checks a filter and compiles it to a predicate on documents.
 *
 * @param levels how deep the filter may be nested
 * @throws TypeError for values that are undefined or whole documents, and for operators that not all stores support
 */
export function compile(filter: unknown, levels = MAX_DEPTH): Matcher {
	if (!isFields(filter)) {
		throw new TypeError(`A filter is an object, not ${describeType(filter)}; {} matches every document`);
	}
	if (levels === 0) throw new TypeError('A filter is nested too deep');
	const tests: Matcher[] = [];
	for (const [key, value] of Object.entries(filter)) {
		if (Object.hasOwn(combinations, key)) {
			if (!Array.isArray(value) || value.length === 0) throw new TypeError(`${key} needs a list of filters`);
			const matchers = value.map((part) => compile(part, levels - 1));
			tests.push((combinations[key] as Combination)(matchers));
		} else {
			if (key === '' || key === '__proto__' || key.startsWith('$'))
				throw new TypeError(`A filter cannot have the key '${key}'`);
			tests.push(fieldMatcher(key, value, levels));
		}
	}
	const [first, ...others] = tests;
	if (!first) return () => true;
	return others.length === 0 ? first : (document) => tests.every((test) => test(document));
}

type Combination = (matchers: readonly Matcher[]) => Matcher;

const combinations: Record<string, Combination> = {
	$and: (matchers) => (document) => matchers.every((matches) => matches(document)),
	$or: (matchers) => (document) => matchers.some((matches) => matches(document)),
	$nor: (matchers) => (document) => !matchers.some((matches) => matches(document)),
};

/** Comparisons with a string are frequent, so they have a faster predicate of their own. */
function fieldMatcher(field: string, condition: unknown, levels: number): Matcher {
	if (field.includes('.')) {
		const path = field.split('.');
		const test = compileCondition(field, condition, levels);
		return (document) => test(reach(document, path));
	}
	if (typeof condition === 'string') {
		return (document) => {
			const value = ownField(document, field);
			return value === condition || (Array.isArray(value) && value.includes(condition));
		};
	}
	const test = compileCondition(field, condition, levels);
	return (document) => test([ownField(document, field)]);
}

/** In an array, each operator may be satisfied by a different element. */
function compileCondition(field: string, condition: unknown, levels: number): Test {
	if (!isFields(condition)) return someValue(equal(field, condition));
	const tests = Object.entries(condition).map(([operator, operand]) => {
		if (Object.hasOwn(operators, operator)) return (operators[operator] as Operator)(operand, field, levels);
		if (operator.startsWith('$')) throw new TypeError(`${field}: a filter cannot have the operator ${operator}`);
		throw new TypeError(`${field}: compare the single fields of a document, as in '${field}.${operator}'`);
	});
	const [first, ...others] = tests;
	if (!first) throw new TypeError(`${field}: cannot be compared with an empty object`);
	return others.length === 0 ? first : (values) => tests.every((test) => test(values));
}

/** Compiles an operator with its operand: `$gt` with 5 for `{ $gt: 5 }`. */
type Operator = (operand: unknown, field: string, levels: number) => Test;

const someValue =
	(test: ValueTest): Test =>
	(values) =>
		values.some(test);

const not =
	(test: Test): Test =>
	(values) =>
		!test(values);

const valueOrElement =
	(test: ValueTest): ValueTest =>
	(value) =>
		test(value) || (Array.isArray(value) && value.some(test));

const operators: Record<string, Operator> = {
	$eq: (operand, field) => someValue(equal(field, operand)),
	$ne: (operand, field) => not(someValue(equal(field, operand))),
	$in: (operand, field) => someValue(oneOf(field, operand)),
	$nin: (operand, field) => not(someValue(oneOf(field, operand))),
	$gt: (operand, field) => range('$gt', field, operand, (order) => order > 0),
	$gte: (operand, field) => range('$gte', field, operand, (order) => order >= 0),
	$lt: (operand, field) => range('$lt', field, operand, (order) => order < 0),
	$lte: (operand, field) => range('$lte', field, operand, (order) => order <= 0),
	$not: (operand, field, levels) => {
		if (!isFields(operand) && !(operand instanceof RegExp)) throw new TypeError(`${field}: $not needs an operator`);
		if (levels === 0) throw new TypeError('A filter is nested too deep');
		return not(compileCondition(field, operand, levels - 1));
	},
	$exists: (operand, field) => {
		if (typeof operand !== 'boolean') throw new TypeError(`${field}: $exists needs true or false`);
		const exists = someValue((value) => value !== undefined);
		return operand ? exists : not(exists);
	},
	$size: (operand, field) => {
		if (!Number.isInteger(operand) || (operand as number) < 0)
			throw new TypeError(`${field}: $size needs a whole number`);
		return someValue((value) => Array.isArray(value) && value.length === operand);
	},
	$elemMatch: (operand, field, levels) => {
		if (!isFields(operand)) throw new TypeError(`${field}: $elemMatch needs a filter`);
		const matches = compile(operand, levels - 1);
		return someValue((value) => Array.isArray(value) && value.some((element) => isFields(element) && matches(element)));
	},
};

function equal(field: string, operand: unknown): ValueTest {
	if (operand === null) return valueOrElement((value) => value === null || value === undefined);
	if (operand instanceof RegExp) {
		// MongoDB's driver interprets other flags differently. A RegExp with `g` or `y` remembers where its last match ended.
		if (!/^[im]*$/.test(operand.flags))
			throw new TypeError(`${field}: a RegExp in a filter may have the flags i and m`);
		return valueOrElement((value) => typeof value === 'string' && operand.test(value));
	}
	if (!isScalar(operand)) throw notComparableError(field, operand);
	return valueOrElement(
		operand instanceof Date ? (value) => isSameScalar(value, operand) : (value) => value === operand,
	);
}

/** If undefined were ignored, too many documents would match. */
function notComparableError(field: string, value: unknown): TypeError {
	const advice = value === undefined ? '; a filter leaves the field out, or has { $exists: false }' : '';
	return new TypeError(`${field}: cannot be compared with ${describeType(value)}${advice}`);
}

function oneOf(field: string, operand: unknown): ValueTest {
	if (!Array.isArray(operand)) throw new TypeError(`${field}: $in and $nin need a list`);
	for (const value of operand) if (value !== null && !isScalar(value)) throw notComparableError(field, value);
	const wanted = new Set(operand.map(setKeyOf));
	if (wanted.has(null)) wanted.add(undefined);
	return valueOrElement((value) => wanted.has(setKeyOf(value)));
}

/** A Set never finds two Date objects equal, so a text stands for a date. */
const setKeyOf = (value: unknown) => (value instanceof Date ? `\0date ${value.getTime()}` : value);

/**
 * A value of another type than the bound is never in the range.
 * @param isInRange receives a negative number for a value below the bound
 */
function range(operator: string, field: string, operand: unknown, isInRange: (order: number) => boolean): Test {
	if (!isScalar(operand) || typeof operand === 'boolean')
		throw new TypeError(`${field}: ${operator} needs a number, a string or a date`);
	const rank = rankOf(operand);
	return someValue(valueOrElement((value) => rankOf(value) === rank && isInRange(compare(value, operand))));
}
