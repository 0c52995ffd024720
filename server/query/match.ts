/**
 * Filters: a subset of MongoDB's, with the same semantics. Filters for all stores are compiled here, so that all stores
 * refuse the same ones.
 */

import { type Fields, isFields, isSame, isScalar, kindOf } from '../../shared/values.js';
import { compare, rankOf } from './order.js';
import { ownField, reach } from './reach.js';

/** Whether a document matches a filter. */
export type Matcher = (document: Fields) => boolean;

/** Tests the values at a path: there are several if the path leads through an array. */
type Test = (found: readonly unknown[]) => boolean;

/** Tests one value. */
type ValueTest = (value: unknown) => boolean;

/** Maximum nesting of filters. */
const MAX_DEPTH = 16;

/**
 * Checks a filter and compiles it to a predicate on documents.
 *
 * @throws TypeError for `undefined`, whole documents as values, and operators that not all stores support
 */
export function compile(filter: unknown, levels = MAX_DEPTH): Matcher {
	if (!isFields(filter)) {
		throw new TypeError(`A filter is an object, not ${kindOf(filter)}; {} matches every document`);
	}
	if (levels === 0) throw new TypeError('A filter is nested too deep');
	const tests: Matcher[] = [];
	for (const key of Object.keys(filter)) {
		const asked = filter[key];
		if (Object.hasOwn(combinations, key)) {
			if (!Array.isArray(asked) || asked.length === 0) throw new TypeError(`${key} needs a list of filters`);
			const matchers = asked.map((one) => compile(one, levels - 1));
			tests.push((combinations[key] as Combination)(matchers));
		} else {
			if (key === '' || key === '__proto__' || key.startsWith('$')) throw new TypeError(`Filters do not know ${key}`);
			tests.push(fieldMatcher(key, asked, levels));
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

/**
 * Compiles the condition on one field to a predicate on documents. Comparing with a string is the frequent, fast case.
 */
function fieldMatcher(field: string, asked: unknown, levels: number): Matcher {
	if (field.includes('.')) {
		const path = field.split('.');
		const test = condition(field, asked, levels);
		return (document) => test(reach(document, path));
	}
	if (typeof asked === 'string') {
		return (document) => {
			const value = ownField(document, field);
			return value === asked || (Array.isArray(value) && value.includes(asked));
		};
	}
	const test = condition(field, asked, levels);
	return (document) => test([ownField(document, field)]);
}

/** Compiles the condition on one field. Different elements of an array may satisfy different operators. */
function condition(field: string, asked: unknown, levels: number): Test {
	if (!isFields(asked)) return someValue(equal(field, asked));
	const tests = Object.entries(asked).map(([operator, value]) => {
		if (Object.hasOwn(operators, operator)) return (operators[operator] as Operator)(value, field, levels);
		if (operator.startsWith('$')) throw new TypeError(`Filters do not know ${operator} (${field})`);
		throw new TypeError(`${field}: compare the single fields of a document, as in '${field}.${operator}'`);
	});
	const [first, ...others] = tests;
	if (!first) throw new TypeError(`${field}: an empty object cannot be compared with`);
	return others.length === 0 ? first : (found) => tests.every((test) => test(found));
}

type Operator = (asked: unknown, field: string, levels: number) => Test;

const someValue =
	(test: ValueTest): Test =>
	(found) =>
		found.some(test);

const not =
	(test: Test): Test =>
	(found) =>
		!test(found);

/** Tests a value; if it is an array, also each element. */
const valueOrElement =
	(test: ValueTest): ValueTest =>
	(value) =>
		test(value) || (Array.isArray(value) && value.some(test));

const operators: Record<string, Operator> = {
	$eq: (asked, field) => someValue(equal(field, asked)),
	$ne: (asked, field) => not(someValue(equal(field, asked))),
	$in: (asked, field) => someValue(oneOf(field, asked)),
	$nin: (asked, field) => not(someValue(oneOf(field, asked))),
	$gt: (asked, field) => range('$gt', field, asked, (order) => order > 0),
	$gte: (asked, field) => range('$gte', field, asked, (order) => order >= 0),
	$lt: (asked, field) => range('$lt', field, asked, (order) => order < 0),
	$lte: (asked, field) => range('$lte', field, asked, (order) => order <= 0),
	$not: (asked, field, levels) => {
		if (!isFields(asked) && !(asked instanceof RegExp)) throw new TypeError(`${field}: $not needs an operator`);
		if (levels === 0) throw new TypeError('A filter is nested too deep');
		return not(condition(field, asked, levels - 1));
	},
	$exists: (asked, field) => {
		if (typeof asked !== 'boolean') throw new TypeError(`${field}: $exists needs true or false`);
		const exists = someValue((value) => value !== undefined);
		return asked ? exists : not(exists);
	},
	$size: (asked, field) => {
		if (!Number.isInteger(asked) || (asked as number) < 0) throw new TypeError(`${field}: $size needs a whole number`);
		return someValue((value) => Array.isArray(value) && value.length === asked);
	},
	$elemMatch: (asked, field, levels) => {
		if (!isFields(asked)) throw new TypeError(`${field}: $elemMatch needs a filter`);
		const matches = compile(asked, levels - 1);
		return someValue((value) => Array.isArray(value) && value.some((element) => isFields(element) && matches(element)));
	},
};

function equal(field: string, asked: unknown): ValueTest {
	if (asked === null) return valueOrElement((value) => value === null || value === undefined);
	if (asked instanceof RegExp) {
		// The driver interprets other flags differently, and a global expression has state.
		if (!/^[im]*$/.test(asked.flags)) throw new TypeError(`${field}: cannot be compared with RegExp`);
		return valueOrElement((value) => typeof value === 'string' && asked.test(value));
	}
	if (!isScalar(asked)) throw notComparableError(field, asked);
	return valueOrElement(asked instanceof Date ? (value) => isSame(value, asked) : (value) => value === asked);
}

/** The error for a value that no condition can contain. Ignoring undefined would match every document. */
function notComparableError(field: string, value: unknown): TypeError {
	const advice = value === undefined ? '; a filter leaves the field out, or has { $exists: false }' : '';
	return new TypeError(`${field}: cannot be compared with ${kindOf(value)}${advice}`);
}

function oneOf(field: string, asked: unknown): ValueTest {
	if (!Array.isArray(asked)) throw new TypeError(`${field}: $in and $nin need a list`);
	for (const value of asked) if (value !== null && !isScalar(value)) throw notComparableError(field, value);
	const plain = new Set(asked.map(setKeyOf));
	if (plain.has(null)) plain.add(undefined);
	return valueOrElement((value) => plain.has(setKeyOf(value)));
}

/** A key for a value in a Set: a date by its time, distinct from the number. */
const setKeyOf = (value: unknown) => (value instanceof Date ? `\0date ${value.getTime()}` : value);

function range(operator: string, field: string, asked: unknown, isInRange: (order: number) => boolean): Test {
	if (!isScalar(asked) || typeof asked === 'boolean')
		throw new TypeError(`${field}: ${operator} needs a number, a string or a date`);
	const rank = rankOf(asked);
	return someValue(valueOrElement((value) => rankOf(value) === rank && isInRange(compare(value, asked))));
}
