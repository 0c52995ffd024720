/**
 * Makes the arguments of a REST call from the fields of its request. The pattern of an argument decides what a text stands
 * for.
 */
import { parseDateText } from '../../shared/dateText.js';
import { parseJson } from '../../shared/ejson.js';
import { isObject } from '../../shared/isObject.js';
import type { AnyMatcher } from '../../shared/matcher.js';
import type { Shape } from '../../shared/shape.js';

type Fields = Readonly<Record<string, unknown>>;

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map([
	['true', true],
	['false', false],
]);

/** A date, or a date and a time with its zone, such as `2026-01-31T12:00:00.000Z`. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** The value of a field; undefined for an inherited member, such as `toString`. */
export function ownField(fields: Fields, name: string): unknown {
	return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** Returns a function that converts texts in a JSON value to dates, where the pattern has a date. */
export function jsonReader(matcher: AnyMatcher): (value: unknown) => unknown {
	return hasDate(matcher.shape)
		? (value) => firstFit([value], matcher) ?? withDates(value, matcher.shape)
		: (value) => value;
}

function hasDate(shape: Shape): boolean {
	switch (shape.kind) {
		case 'named':
			return hasDate(shape.shape);
		case 'type':
			return shape.name === 'Date';
		case 'array':
			return hasDate(shape.element);
		case 'object':
			return shape.members.some((member) => hasDate(member.shape)) || (shape.others !== null && hasDate(shape.others));
		case 'oneOf':
			return shape.choices.some(hasDate);
		default:
			return false;
	}
}

/**
 * The value of a field of a query, a form or a path. Of text, JSON, number, boolean and list, it is the first that the
 * pattern accepts. If the pattern accepts none, it is the JSON, or else the text. A list may also be sent as `name[]`.
 */
export function textField(fields: Fields, name: string, matcher: AnyMatcher): unknown {
	const texts = [ownField(fields, name), ownField(fields, `${name}[]`)].flat().filter((text) => text !== undefined);
	const isOne = texts.length <= 1;
	const [text] = texts;
	const value = isOne ? text : texts;
	if (value === undefined || !matcher.fault(value)) return value;
	const json = isOne ? jsonOf(text) : undefined;
	const single = isOne ? [json, numberOf(text), BOOLEANS.get(text)] : [];
	const lists: (readonly unknown[])[] = [texts, texts.map(numberOf), texts.map((entry) => BOOLEANS.get(entry))];
	const fullLists = lists.filter((list) => !list.includes(undefined));
	return firstFit([value, ...single, ...fullLists], matcher) ?? withDates(json ?? value, matcher.shape);
}

/** The fields of a form as one argument. If the pattern does not accept the texts, `true` and `false` become booleans. */
export function textObject(fields: Fields, matcher: AnyMatcher): unknown {
	const entries = Object.entries(fields).map(([name, value]) => [name, BOOLEANS.get(value) ?? value]);
	return firstFit([fields, Object.fromEntries(entries)], matcher) ?? fields;
}

/** The first value that the pattern accepts as it is, or with dates in place of their texts. */
function firstFit(values: readonly unknown[], matcher: AnyMatcher): unknown {
	for (const value of values) {
		if (value === undefined) continue;
		if (!matcher.fault(value)) return value;
		for (const shape of choicesOf(matcher.shape)) {
			const converted = withDates(value, shape);
			const hasDates = converted !== value;
			if (hasDates && !matcher.fault(converted)) return converted;
		}
	}
	return undefined;
}

function choicesOf(shape: Shape): readonly Shape[] {
	if (shape.kind === 'named') return choicesOf(shape.shape);
	return shape.kind === 'oneOf' ? shape.choices.flatMap(choicesOf) : [shape];
}

/** Converts texts to dates where a shape has a date. Returns a value without such texts itself, not a copy. */
function withDates(value: unknown, shape: Shape): unknown {
	switch (shape.kind) {
		case 'named':
			return withDates(value, shape.shape);
		case 'type':
			return shape.name === 'Date' ? dateOf(value) : value;
		case 'array':
			if (!Array.isArray(value) || !hasDate(shape)) return value;
			return unlessSame(
				value,
				value.map((entry) => withDates(entry, shape.element)),
			);
		case 'object': {
			if (!isObject(value) || !hasDate(shape)) return value;
			const shapes = new Map(shape.members.map((member) => [member.name, member.shape]));
			const entries = Object.entries(value).map(([name, member]) => {
				const memberShape = shapes.get(name) ?? shape.others;
				return [name, memberShape ? withDates(member, memberShape) : member];
			});
			return unlessSame(value, Object.fromEntries(entries));
		}
		case 'oneOf': {
			const all = shape.choices.map((choice) => withDates(value, choice));
			return all.find((converted) => converted !== value) ?? value;
		}
		default:
			return value;
	}
}

function unlessSame(original: object, copy: object): object {
	const members = Object.entries(original);
	return members.every(([name, member]) => (copy as Fields)[name] === member) ? original : copy;
}

/** The date of a text in ISO form. Returns any other value unchanged, even a day that does not exist. */
function dateOf(value: unknown): unknown {
	if (typeof value !== 'string' || !ISO_DATE.test(value)) return value;
	return parseDateText(value) ?? value;
}

function numberOf(text: unknown): number | undefined {
	if (typeof text !== 'string' || text.trim() === '') return undefined;
	const number = Number(text);
	return Number.isNaN(number) ? undefined : number;
}

/** The JSON array or object in a text: some clients send lists as JSON in a query. */
function jsonOf(text: unknown): unknown {
	if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return undefined;
	try {
		return parseJson(text);
	} catch {
		return undefined;
	}
}
