/**
 * Adapts user-defined superstruct structs to matchers with Meteor's messages (`test/contract/check.md` 12.2, B).
 * Superstruct's messages are never used: they quote the value, and throw on `{"toString": 1}` (12.1).
 */
import { type Failure, type Struct, StructError } from 'superstruct';
import { formatValue, typeName } from './formatValue.js';
import { type Fault, FormattedPath, faultOf, MATCH_TYPE, Matcher } from './matcher.js';
import { prepend } from './path.js';
import { structShape } from './structShape.js';

function textOf({ type, refinement, value, message, path }: Failure): string {
	// A message of a Roomkey matcher, after the prefix that StructError adds.
	if (type === MATCH_TYPE) return path.length === 0 ? message : message.slice(`At path: ${path.join('.')} -- `.length);
	if (refinement !== undefined) return 'Failed Match.Where validation';
	switch (type) {
		case 'never':
			return 'Unknown key';
		case 'func':
			return `Expected function, got ${typeName(value)}`;
		case 'string':
		case 'number':
		case 'boolean':
			return `Expected ${type}, got ${typeName(value)}`;
		case 'integer':
			return `Expected Integer, got ${formatValue(value)}`;
		case 'array':
			return `Expected array, got ${formatValue(value)}`;
		case 'union':
		case 'enums':
			return 'Failed Match.OneOf, Match.Maybe or Match.Optional validation';
		default:
			return `Expected ${type}`;
	}
}

function pathOf({ path, type }: Failure): string {
	const raw = (key: unknown) => key instanceof FormattedPath || type === 'never';
	return path.reduceRight<string>((rest, key, i) => {
		if (i === path.length - 1 && raw(key)) return String(key);
		return prepend(key, rest);
	}, '');
}

/** Creates a matcher from a superstruct struct. */
export function structMatcher(struct: Struct<unknown, unknown>): Matcher {
	function fault(value: unknown): Fault | null {
		try {
			const [error] = struct.validate(value);
			return error ? { text: textOf(error), path: pathOf(error) } : null;
		} catch (error) {
			// Superstruct failed to build its message. StructError is a TypeError too, and is excluded.
			if (error instanceof TypeError && !(error instanceof StructError)) return faultOf(`Expected ${struct.type}`);
			throw error;
		}
	}
	return new Matcher(fault, struct.is(undefined)).describedAs(structShape(struct));
}
