/** Documents as lines of text: as `mongoexport` writes them, and as data folders of the former format have them. */
import { isFields } from '../store/values.js';

/** A line that is no document. Its message is for the summary and shows nothing of the line. */
export class LineError extends Error {}

/**
 * Reads a line.
 *
 * @throws LineError
 */
export function parseLine(line: string): Record<string, unknown> {
	let parsed: unknown;
	try {
		parsed = JSON.parse(line);
	} catch {
		throw new LineError('is no JSON');
	}
	const document = decode(parsed);
	if (!isFields(document)) throw new LineError('is no document');
	return document;
}

/** Types that JSON has not, each an object of one member. */
const types: Record<string, (value: unknown) => unknown> = {
	$date: dateOf,
	// The former format has milliseconds.
	$$date: dateOf,
	$oid: String,
	$numberInt: Number,
	$numberLong: Number,
	$numberDouble: Number,
};

function decode(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(decode);
	if (!isFields(value)) return value;
	const [name, ...others] = Object.keys(value);
	if (name !== undefined && others.length === 0 && Object.hasOwn(types, name))
		return (types[name] as (inner: unknown) => unknown)(decode(value[name]));
	return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, decode(field)]));
}

function dateOf(value: unknown): Date {
	const date = new Date(value as string | number);
	if (Number.isNaN(date.getTime())) throw new LineError('has an invalid date');
	return date;
}

/** A document as a line that `mongoimport` reads, without its end. */
export function formatLine(document: object): string {
	return JSON.stringify(encode(document));
}

function encode(value: unknown): unknown {
	if (value instanceof Date) {
		// The text form is for the years that have four digits.
		const isPlain = value.getTime() >= 0 && value.getUTCFullYear() <= 9999;
		return { $date: isPlain ? value.toISOString() : { $numberLong: `${value.getTime()}` } };
	}
	if (Array.isArray(value)) return value.map(encode);
	if (!isFields(value)) return value;
	return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, encode(field)]));
}
