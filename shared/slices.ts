/**
 * Encodes large values as JSON text in slices, and yields to the event loop between them. In one piece, 20,000 rooms
 * would block the process for 100 ms.
 */
import { createYielder } from './yielding.js';

/** A way to write values as JSON text. */
export interface JsonFormat {
	/** Undefined for values that JSON leaves out. */
	stringify(value: unknown): string | undefined;
	/** Whether an object's text consists of the texts of its members. If not, it is encoded in one piece. */
	canSplit(value: object): value is Record<string, unknown>;
}

export const plainJson: JsonFormat = {
	stringify: (value) => JSON.stringify(value),
	canSplit(value): value is Record<string, unknown> {
		const prototype = Object.getPrototypeOf(value);
		if (prototype !== Object.prototype && prototype !== null) return false;
		return typeof (value as { toJSON?: unknown }).toJSON !== 'function';
	},
};

/**
 * Estimated length in characters above which a value is encoded in slices. A shorter one takes less than a millisecond.
 */
const LARGE_LENGTH = 64 * 1024;

/** Length at which a part of the text is complete, in characters. */
const PART_LENGTH = 64 * 1024;

/**
 * Maximum nesting that is sliced. Deeper values are encoded in one piece, because they may contain a cycle, for which
 * the encoder throws.
 */
const MAX_DEPTH = 100;

/** Estimated length of a number, a boolean, an object that is not split, or brackets. */
const SMALL_VALUE_LENGTH = 8;

/** Subtracts the estimated length of a value from `left`, until the result is negative. */
function lengthLeft(value: unknown, left: number, depth: number): number {
	if (typeof value === 'string') return left - value.length;
	if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return left - SMALL_VALUE_LENGTH;
	let rest = left - SMALL_VALUE_LENGTH;
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length && rest >= 0; i++) rest = lengthLeft(value[i], rest, depth + 1);
		return rest;
	}
	if (!plainJson.canSplit(value)) return rest;
	for (const key in value) {
		if (rest < 0) break;
		rest = lengthLeft(value[key], rest - key.length, depth + 1);
	}
	return rest;
}

/** Whether a value must be encoded in slices. */
export function isLarge(value: unknown): boolean {
	return lengthLeft(value, LARGE_LENGTH, 0) < 0;
}

/** The text of a string without its quotes. Keeps surrogate pairs together. */
function* sliceString(text: string): Generator<string> {
	for (let start = 0; start < text.length; ) {
		let end = start + PART_LENGTH;
		const wouldSplitPair = (text.codePointAt(end - 1) ?? 0) > 0xffff;
		if (wouldSplitPair) end++;
		yield JSON.stringify(text.slice(start, end)).slice(1, -1);
		start = end;
	}
}

function* sliceLarge(value: unknown, format: JsonFormat, depth: number): Generator<string> {
	if (typeof value === 'string') {
		yield '"';
		yield* sliceString(value);
		yield '"';
	} else if (Array.isArray(value)) {
		yield '[';
		for (let i = 0; i < value.length; i++) {
			if (i > 0) yield ',';
			yield* slice(value[i], format, depth + 1, '');
		}
		yield ']';
	} else {
		let hasMembers = false;
		for (const [key, member] of Object.entries(value as object)) {
			const prefix = `${hasMembers ? ',' : '{'}${JSON.stringify(key)}:`;
			for (const text of slice(member, format, depth + 1, prefix)) {
				yield text;
				hasMembers = true;
			}
		}
		yield hasMembers ? '}' : '{}';
	}
}

/**
 * The text of a value in pieces.
 * @param prefix separator, key and colon of a member; otherwise empty. If JSON leaves the value out, a member is not
 * written, and any other value becomes null
 */
function* slice(value: unknown, format: JsonFormat, depth: number, prefix: string): Generator<string> {
	const isObject = typeof value === 'object' && value !== null;
	const hasParts = isObject && (Array.isArray(value) || format.canSplit(value));
	const canSlice = depth < MAX_DEPTH && (typeof value === 'string' || hasParts);
	if (canSlice && isLarge(value)) {
		yield prefix;
		yield* sliceLarge(value, format, depth);
		return;
	}
	const text = format.stringify(value);
	if (text !== undefined) yield prefix + text;
	else if (prefix === '') yield 'null';
}

/**
 * Encodes a large value, with the same text as `format.stringify`.
 * @param toPart converts each part of the text
 * @param before text before that of the value @param after text after it
 * @throws what `format.stringify` throws
 */
export async function encodeInSlices<T>(
	value: unknown,
	format: JsonFormat,
	toPart: (text: string) => T,
	before = '',
	after = '',
): Promise<T[]> {
	const parts: T[] = [];
	const yielder = createYielder();
	let text = before;
	for (const piece of slice(value, format, 0, '')) {
		text += piece;
		if (text.length >= PART_LENGTH) {
			parts.push(toPart(text));
			text = '';
		}
		const pause = yielder();
		if (pause) await pause;
	}
	parts.push(toPart(text + after));
	return parts;
}
