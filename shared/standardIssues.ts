/**
 * Faults of a Standard Schema in Meteor's words (`test/contract/check.md` section 4). The validator's own words may
 * quote a secret value. The kind of a fault is known from members that zod and valibot add to their issues. A fault
 * that another validator finds is reported as a missing key or as a failed condition. The same holds for a condition of
 * zod that names an absent optional key as its path.
 */
import { firstInOrder, hasKeys } from './faultOrder.js';
import { formatValue, typeName } from './formatValue.js';
import { type Fault, faultOf, NO_CHOICE, NO_CONDITION } from './matcher.js';
import { plainObjectFault } from './objects.js';
import { prepend } from './path.js';

type Key = PropertyKey | { readonly key: PropertyKey };

export interface Issue {
	readonly message: string;
	readonly path?: readonly Key[] | undefined;
}

type VendorIssue = Issue & { readonly [member: string]: unknown };

/** Type names of valibot for objects. */
const OBJECT_TYPES = ['object', 'record', 'strict_object', 'loose_object', 'object_with_rest'];
/** Type names of zod and valibot for a choice between patterns. */
const CHOICE_TYPES = ['invalid_union', 'union', 'variant', 'picklist', 'enum'];

/** Maximum number of compared issues, to limit the time. */
const MAX_ISSUES = 1000;

/** The fault that Meteor would report. */
export function faultOfIssues(value: unknown, issues: readonly Issue[]): Fault {
	const considered = issues.slice(0, MAX_ISSUES).map((issue) => issue as VendorIssue);
	const first = firstInOrder(
		value,
		considered.map((issue) => ({ issue, path: keysOf(issue) })),
	);
	if (!first) return faultOf(NO_CONDITION);
	const { issue, path } = first;
	const parentPath = path.slice(0, -1);
	const parent = valueAt(value, parentPath);
	const key = path.at(-1);
	if (isUnknownKey(issue)) return { text: 'Unknown key', path: pathText(parentPath, String(key)) };
	if (key === undefined) return faultOf(textOf(issue, value));
	const isMissing = typeof key === 'string' && hasKeys(parent) && !Object.hasOwn(parent, key);
	if (isMissing) {
		// Some validators accept an array or an instance of a class as an object. Meteor reports that it is not a plain
		// object, and not the missing key.
		return { text: plainObjectFault(parent)?.text ?? `Missing key '${key}'`, path: pathText(parentPath) };
	}
	return { text: textOf(issue, hasKeys(parent) ? parent[String(key)] : undefined), path: pathText(path) };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
	let part = value;
	for (const key of path) part = hasKeys(part) ? part[String(key)] : undefined;
	return part;
}

/** Zod states an unknown key in `keys`, and not in the path. */
function keysOf({ path = [], keys }: VendorIssue): readonly PropertyKey[] {
	const all = path.map((key) => (typeof key === 'object' ? key.key : key));
	return Array.isArray(keys) && keys.length > 0 ? [...all, keys[0] as string] : all;
}

function isUnknownKey({ code, kind, type, expected }: VendorIssue): boolean {
	return code === 'unrecognized_keys' || (kind === 'schema' && type === 'strict_object' && expected === 'never');
}

/** @param last text at the end that is not formatted, such as an unknown key */
function pathText(keys: readonly PropertyKey[], last = ''): string {
	return keys.reduceRight<string>((rest, key) => prepend(typeof key === 'number' ? key : String(key), rest), last);
}

/** The type that zod or valibot expected; undefined for a condition. */
function expectedType({ code, kind, type, expected }: VendorIssue): string | undefined {
	if (code === 'invalid_type') return String(expected);
	if (kind === 'schema') return type === 'instance' ? String(expected) : String(type);
	return kind === 'validation' && type === 'integer' ? 'int' : undefined;
}

function textOf(issue: VendorIssue, value: unknown): string {
	const { code, type, values } = issue;
	if (code === 'invalid_value' && Array.isArray(values)) {
		return values.length === 1 ? `Expected ${values[0]}, got ${formatValue(value)}` : NO_CHOICE;
	}
	if (CHOICE_TYPES.includes(String(code ?? type))) return NO_CHOICE;
	if (type === 'literal') return `Expected ${literalOf(issue)}, got ${formatValue(value)}`;
	const expected = expectedType(issue);
	const typeText = expected === undefined ? undefined : textOfType(expected, value);
	return typeText ?? NO_CONDITION;
}

/** The literal that valibot expected. Valibot puts a string into quotes, and escapes nothing in it. */
function literalOf({ expected }: VendorIssue): string {
	const text = String(expected);
	return text.startsWith('"') ? text.slice(1, -1) : text;
}

/** Meteor's text for a wrong type. Undefined if Meteor has no such type, or accepts the value, such as NaN. */
function textOfType(expected: string, value: unknown): string | undefined {
	switch (expected) {
		case 'string':
		case 'number':
		case 'boolean':
		case 'function':
		case 'undefined':
			return typeof value === expected ? undefined : `Expected ${expected}, got ${typeName(value)}`;
		case 'int':
			return `Expected Integer, got ${formatValue(value)}`;
		case 'null':
			return `Expected null, got ${formatValue(value)}`;
		case 'array':
			return `Expected array, got ${formatValue(value)}`;
		case 'date':
			return 'Expected Date';
		default:
			if (OBJECT_TYPES.includes(expected)) return plainObjectFault(value)?.text;
			return /^[A-Z]\w*$/.test(expected) ? `Expected ${expected}` : undefined;
	}
}
