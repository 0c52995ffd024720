/** Documents as lines of JSON, in the format of `mongoexport` or of NeDB's `*.db` files. */
import { isFields } from '../../shared/values.js';

/** Thrown for a line that is no document. The message follows `line 7` in a report, and never quotes the line. */
export class LineError extends Error {}

/** @throws LineError if the line is not a document */
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

/** Types that JSON lacks, each encoded as an object with one member. */
const DECODERS: Record<string, (value: unknown) => unknown> = {
	$date: dateOf,
	// Only in `*.db` files: milliseconds since 1970.
	$$date: dateOf,
	$oid: String,
	$numberInt: Number,
	$numberLong: Number,
	$numberDouble: Number,
};

/** Maximum nesting of a line. It exceeds that of a stored document, because encoded values add levels. */
const MAX_DEPTH = 100;

/** Replaces encoded values, such as `{"$date": …}`, by the values themselves. */
function decode(value: unknown, levels = MAX_DEPTH): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (levels === 0) throw new LineError('is nested too deep');
	const decodePart = (part: unknown) => decode(part, levels - 1);
	if (Array.isArray(value)) return value.map(decodePart);
	if (!isFields(value)) return value;
	const [name, ...others] = Object.keys(value);
	const isOnlyMember = name !== undefined && others.length === 0;
	if (isOnlyMember && Object.hasOwn(DECODERS, name)) return DECODERS[name]?.(decodePart(value[name]));
	return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, decodePart(field)]));
}

function dateOf(value: unknown): Date {
	const date = new Date(value as string | number);
	if (Number.isNaN(date.getTime())) throw new LineError('has an invalid date');
	return date;
}

/** The result has no line break. */
export function formatLine(document: object): string {
	return JSON.stringify(encode(document));
}

/** Replaces dates by objects that `mongoimport` reads as dates. */
function encode(value: unknown): unknown {
	if (value instanceof Date) {
		// `mongoimport` accepts text only for the years 1970 to 9999.
		const hasTextForm = value.getTime() >= 0 && value.getUTCFullYear() <= 9999;
		return { $date: hasTextForm ? value.toISOString() : { $numberLong: `${value.getTime()}` } };
	}
	if (Array.isArray(value)) return value.map(encode);
	if (!isFields(value)) return value;
	return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, encode(field)]));
}
