/**
 * Adapts superstruct structs of applications to matchers with Meteor's messages (`test/contract/check.md` 12.2, way B).
 * Superstruct's own messages are not used: they quote the value, and building one throws for `{"toString": 1}` (12.1).
 */
import { type Failure, type Struct, StructError } from 'superstruct';
import { firstInOrder, hasKeys } from './faultOrder.js';
import { formatValue, typeName } from './formatValue.js';
import {
	type Fault,
	FormattedPath,
	faultOf,
	MATCH_TYPE,
	Matcher,
	NO_CHOICE,
	NO_CONDITION,
	OptionalMatcher,
} from './matcher.js';
import { plainObjectFault } from './objects.js';
import { prepend } from './path.js';
import { accepts, structShape } from './structShape.js';

function textOf({ type, refinement, value, message }: Failure): string {
	// A `Matcher` has Meteor's message.
	if (type === MATCH_TYPE) return message;
	if (refinement !== undefined) return NO_CONDITION;
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
		case 'object':
		case 'type':
		case 'record':
			return plainObjectFault(value)?.text ?? `Expected ${type}`;
		case 'union':
		case 'enums':
			return NO_CHOICE;
		default:
			return `Expected ${type}`;
	}
}

function pathOf({ path, type }: Pick<Failure, 'path' | 'type'>): string {
	// The path of a fault within a `Matcher`, or an unknown key, is not quoted.
	const isUnquoted = (key: unknown) => key instanceof FormattedPath || type === 'never';
	return path.reduceRight<string>((rest, key, i) => {
		if (i === path.length - 1 && isUnquoted(key)) return String(key);
		return prepend(key, rest);
	}, '');
}

/**
 * For a value that consists of this many values or more, only the first failure is used. Superstruct takes 10 µs for
 * each failure.
 */
const MAX_VALUES = 1000;

function isSmall(value: unknown): boolean {
	let count = 0;
	const staysSmall = (part: unknown): boolean => {
		count++;
		if (count >= MAX_VALUES) return false;
		return !hasKeys(part) || Object.values(part).every(staysSmall);
	};
	return staysSmall(value);
}

/**
 * The fault that Meteor would report. For a large value, the first in superstruct's order. Superstruct reports a
 * missing key as an undefined value.
 */
function faultOfFailures(value: unknown, error: StructError): Fault {
	const failures = isSmall(value) ? error.failures() : [firstFailureOf(error)];
	const first = firstInOrder(value, failures) as Failure;
	const { path, type, branch } = first;
	const parent = branch.at(-2);
	const key: unknown = path.at(-1);
	const isMissing = typeof key === 'string' && hasKeys(parent) && !Object.hasOwn(parent, key);
	if (!isMissing) return { text: textOf(first), path: pathOf(first) };
	return { text: `Missing key '${key}'`, path: pathOf({ path: path.slice(0, -1), type }) };
}

/** The first failure, which is in the error itself. The message begins with the path, which is removed here. */
function firstFailureOf({ type, refinement, key, value, branch, path, message }: StructError): Failure {
	const prefix = path.length === 0 ? '' : `At path: ${path.join('.')} -- `;
	return { type, refinement, key, value, branch, path, message: message.slice(prefix.length) };
}

/** Creates a matcher from a superstruct struct. */
export function structMatcher(struct: Struct<unknown, unknown>): Matcher {
	function fault(value: unknown): Fault | null {
		try {
			const [error] = struct.validate(value);
			return error ? faultOfFailures(value, error) : null;
		} catch (error) {
			// Thrown by a condition, or by superstruct when it built its message. A StructError is a TypeError too.
			if (error instanceof TypeError && !(error instanceof StructError)) return faultOf(`Expected ${struct.type}`);
			throw error;
		}
	}
	const shape = structShape(struct);
	const matcher = new Matcher(fault).describedAs(shape);
	if (!accepts(struct, undefined)) return matcher;
	// As for `Match.Optional`: for a member of an object and for an argument, the fault of `matcher` is reported. For any
	// other value, such as an element of an array, the text is `NO_CHOICE`.
	return new OptionalMatcher(matcher, (value) => (fault(value) ? faultOf(NO_CHOICE) : null)).describedAs(shape);
}
