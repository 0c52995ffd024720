/** Holes in cases, which stand for values that differ from run to run. README.md of this folder describes them. */
import { randomBytes } from 'node:crypto';
import type { Json } from './cases.js';

/** The values of named holes and of fresh texts in one run of a case. */
export type Bindings = Map<string, unknown>;

type Hole = { readonly '?': string; readonly name?: string } & Readonly<Record<string, Json>>;

/** The alphabet of ids (`test/contract/ddp.md` section 2). */
const ID = /^[23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz]{17}$/;
const FRESH = /^<\w+>$/;
const TOKEN = /^[\w-]{43}$/;

const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const isHole = (value: unknown): value is Hole => isObject(value) && typeof value['?'] === 'string';

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const testText = (value: unknown, pattern: RegExp) => typeof value === 'string' && pattern.test(value);

/** The test of a value, for each kind of hole but `bound`, `includes` and `not`. */
const KINDS: Readonly<Record<string, (value: unknown, hole: Hole) => boolean>> = {
	any: (value) => value !== undefined,
	string: (value) => typeof value === 'string',
	number: (value) => typeof value === 'number',
	integer: (value) => Number.isInteger(value),
	object: isObject,
	array: (value) => Array.isArray(value),
	id: (value) => testText(value, ID),
	token: (value) => testText(value, TOKEN),
	date: (value) => isObject(value) && Object.keys(value).join() === '$date' && Number.isInteger(value.$date),
	text: (value, hole) => testText(value, new RegExp(String(hole.matches), 'u')),
};

/** The fresh text of a name: the same throughout a run of a case, another in each run. */
function fresh(name: string, bindings: Bindings): string {
	if (!bindings.has(name)) bindings.set(name, `${name}-${randomBytes(8).toString('hex')}`);
	return String(bindings.get(name));
}

/** Replaces each `<name>` by the fresh text of that name. */
export const fillText = (text: string, bindings: Bindings): string =>
	text.replace(/<(\w+)>/g, (_all, name: string) => fresh(name, bindings));

/** Fills the holes of a message that is sent. @throws Error for a hole that can only be compared */
export function fill(value: Json, bindings: Bindings): unknown {
	if (Array.isArray(value)) return value.map((item: Json) => fill(item, bindings));
	if (typeof value === 'string') return FRESH.test(value) ? fillText(value, bindings) : value;
	if (!isObject(value)) return value;
	if (!isHole(value))
		return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item as Json, bindings)]));
	const { '?': kind, name = '' } = value;
	if (kind === 'bound' && bindings.has(name)) return bindings.get(name);
	throw new Error(`The hole ${show(value)} has no value to send`);
}

/**
 * Compares a value with what a case expects. The order of an object's members is free.
 * @returns the difference in words; undefined if there is none
 */
export function difference(expected: Json, actual: unknown, bindings: Bindings, path = ''): string | undefined {
	if (isHole(expected)) return differenceFromHole(expected, actual, bindings, path);
	const at = path === '' ? '' : ` at ${path.slice(1)}`;
	const differs = `expected ${show(expected)}, received ${show(actual)}${at}`;
	if (Array.isArray(expected)) {
		if (!Array.isArray(actual) || actual.length !== expected.length) return differs;
		return firstOf(expected, (item, i) => difference(item as Json, actual[i], bindings, `${path}.${i}`));
	}
	if (!isObject(expected)) return fill(expected, bindings) === actual ? undefined : differs;
	if (!isObject(actual)) return differs;
	const surplus = Object.keys(actual).find((key) => !Object.hasOwn(expected, key));
	if (surplus !== undefined) return `unexpected member ${show(surplus)} with ${show(actual[surplus])}${at}`;
	return differenceOfMembers(expected as Record<string, Json>, actual, bindings, path);
}

function differenceOfMembers(
	expected: Readonly<Record<string, Json>>,
	actual: Record<string, unknown>,
	bindings: Bindings,
	path: string,
): string | undefined {
	return firstOf(Object.entries(expected), ([key, item]) =>
		Object.hasOwn(actual, key)
			? difference(item, actual[key], bindings, `${path}.${key}`)
			: `the member ${show(key)} is missing${path === '' ? '' : ` at ${path.slice(1)}`}`,
	);
}

function differenceFromHole(hole: Hole, actual: unknown, bindings: Bindings, path: string): string | undefined {
	const { '?': kind, name } = hole;
	const at = path === '' ? '' : ` at ${path.slice(1)}`;
	const differs = `expected ${show(hole)}, received ${show(actual)}${at}`;
	if (kind === 'includes') {
		if (!isObject(actual)) return differs;
		return differenceOfMembers(hole.members as Record<string, Json>, actual, bindings, path);
	}
	if (kind === 'not')
		return difference(hole.value as Json, actual, new Map(bindings)) === undefined ? differs : undefined;
	if (name !== undefined && bindings.has(name)) {
		return show(bindings.get(name)) === show(actual)
			? undefined
			: `${differs}, not ${show(bindings.get(name))} as before`;
	}
	const accepts = KINDS[kind];
	if (!accepts) throw new Error(`There is no hole ${show(hole)}`);
	if (!accepts(actual, hole)) return differs;
	if (name !== undefined) bindings.set(name, actual);
	return undefined;
}

function firstOf<T>(items: readonly T[], find: (item: T, i: number) => string | undefined): string | undefined {
	for (const [i, item] of items.entries()) {
		const found = find(item, i);
		if (found !== undefined) return found;
	}
	return undefined;
}
