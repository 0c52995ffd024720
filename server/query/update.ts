/** Checks and applies updates: a subset of MongoDB's, with the same semantics. All stores refuse other updates. */
import { isDeepStrictEqual } from 'node:util';
import {
	copyStorable,
	type Document,
	describeType,
	type Fields,
	isFields,
	isSameScalar,
	isScalar,
	MAX_DEPTH,
} from '../../shared/values.js';
import { compile } from './match.js';

/** A checked update: changed paths and their values by operator, such as `{ $set: { 'u.name': 'Ann' } }`. */
export type Update = Record<string, Fields>;

/**
 * Checks and copies an update. Adds `_updatedAt` if it is missing. Leaves out undefined changes:
 * `{ $set: { note: undefined } }` changes no field. Only `$pull` refuses undefined, because its values are conditions.
 * @throws TypeError for replacements, pipelines, unknown operators, changes of `_id`, paths through array positions and
 * paths that collide
 */
export function checkUpdate(update: unknown): Update {
	if (!isFields(update) || Object.keys(update).length === 0)
		throw new TypeError('An update consists of operators such as $set');
	const checked: Update = {};
	const paths = new Set<string>();
	for (const [operator, changes] of Object.entries(update)) {
		if (!Object.hasOwn(checks, operator))
			throw new TypeError(`An update cannot have the operator ${operator}; { $set: … } changes fields`);
		if (changes === undefined) continue;
		if (!isFields(changes)) throw new TypeError(`${operator} needs an object`);
		const copied: Fields = {};
		for (const [path, change] of Object.entries(changes)) {
			checkPath(path);
			if (change === undefined && operator !== '$pull') continue;
			if (paths.has(path)) throw new TypeError(`${path} is changed twice`);
			paths.add(path);
			copied[path] = (checks[operator] as Check)(change, path);
		}
		// MongoDB refuses some operators without changes.
		if (Object.keys(copied).length > 0) checked[operator] = copied;
	}
	refuseCollisions(paths);
	if (!paths.has('_updatedAt')) checked.$set = { ...checked.$set, _updatedAt: new Date() };
	return checked;
}

/** Checks and copies the value that an operator has for a path. */
type Check = (change: unknown, path: string) => unknown;

const checks: Record<string, Check> = {
	$set: copyStorable,
	$unset: (_, path) => {
		if (path === '_updatedAt') throw new TypeError('_updatedAt cannot be removed');
		return true;
	},
	$inc: (change, path) => {
		if (typeof change !== 'number') throw new TypeError(`${path}: $inc needs a number`);
		return copyStorable(change, path);
	},
	$push: (change, path) => {
		if (!hasEach(change)) return copyStorable(change, path);
		const { $each, $slice, ...rest } = change;
		const [unknownKey] = Object.keys(rest);
		if (unknownKey !== undefined) throw new TypeError(`${path}: $push cannot have ${unknownKey}`);
		const values = checkedEach($each, path);
		if ($slice === undefined) return { $each: values };
		if (!Number.isInteger($slice)) throw new TypeError(`${path}: $slice needs a whole number`);
		return { $each: values, $slice };
	},
	$addToSet: (change, path) => {
		if (!hasEach(change)) return comparableElement(change, path);
		const { $each, ...rest } = change;
		const [unknownKey] = Object.keys(rest);
		if (unknownKey !== undefined) throw new TypeError(`${path}: $addToSet cannot have ${unknownKey}`);
		return { $each: checkedEach($each, path).map((value) => comparableElement(value, path)) };
	},
	$pull: (change, path) => {
		if (!isFields(change)) return comparableElement(change, path);
		if (!('$in' in change)) {
			// Throws a TypeError for an invalid condition.
			compile(change);
			// `copyStorable` would refuse operators and a RegExp, which a condition may contain.
			return structuredClone(change);
		}
		// A condition on fields matches documents; `$in` matches plain values.
		if (Object.keys(change).length > 1 || !Array.isArray(change.$in))
			throw new TypeError(`${path}: $in needs a list, and no other key beside it`);
		return { $in: change.$in.map((value) => comparableElement(value, path)) };
	},
};

/** Whether a change is `{$each: [...]}`, which adds several elements. */
const hasEach = (change: unknown): change is Fields & { $each: unknown } => isFields(change) && '$each' in change;

function checkedEach(values: unknown, path: string): unknown[] {
	if (!Array.isArray(values)) throw new TypeError(`${path}: $each needs a list`);
	return copyStorable(values, path) as unknown[];
}

/**
 * Checks a value that is compared with array elements. Documents are refused, because MongoDB compares the order of
 * their fields too.
 */
function comparableElement(value: unknown, path: string): unknown {
	if (value === null || isScalar(value)) return copyStorable(value, path);
	throw new TypeError(`${path}: only plain values can be compared, not ${describeType(value)}`);
}

function checkPath(path: string): void {
	if (path === '_id' || path.startsWith('_id.')) throw new TypeError('An _id never changes');
	const parts = path.split('.');
	if (parts.length > MAX_DEPTH) throw new TypeError('The path of an update is too long');
	for (const part of parts) {
		// For MongoDB whole numbers are also positions in an array, but for `applyUpdate` only names of fields.
		if (/^(\d+|\$.*|__proto__|constructor|prototype|.*\0.*|)$/s.test(part))
			throw new TypeError(`${path}: '${part}' cannot be part of a path`);
	}
}

function refuseCollisions(paths: ReadonlySet<string>): void {
	for (const path of paths) {
		for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
			const ancestor = path.slice(0, dot);
			if (paths.has(ancestor)) throw new TypeError(`An update cannot change both ${ancestor} and ${path}`);
		}
	}
}

/**
 * Returns the updated document. The given one stays unchanged; both share the parts that do not change.
 * @throws TypeError if a field has the wrong type for an operator
 */
export function applyUpdate(document: Document, update: Update): Document {
	const changed = { ...document };
	for (const [operator, changes] of Object.entries(update)) {
		const onlyRemoves = operator === '$unset' || operator === '$pull';
		for (const [path, change] of Object.entries(changes)) {
			const parts = path.split('.');
			const key = parts.pop() as string;
			const parent = parentOf(changed, parts, onlyRemoves);
			if (parent) (operations[operator] as Operation)(parent, key, change);
		}
	}
	return changed;
}

/**
 * Replaces each object on the path by a copy, and returns the innermost copy. Creates missing objects.
 * @param document the copy of a document that is changed
 * @param parts the path without the field itself
 * @param onlyRemoves whether the operator only removes. Then nothing is created: a path that leads to no object gives
 * undefined
 */
function parentOf(document: Fields, parts: readonly string[], onlyRemoves: boolean): Fields | undefined {
	let parent = document;
	for (const part of parts) {
		const inner = parent[part];
		if (inner !== undefined && !isFields(inner)) {
			if (onlyRemoves) return undefined;
			throw new TypeError(`${parts.join('.')} leads through a value that has no fields`);
		}
		if (inner === undefined && onlyRemoves) return undefined;
		const copy: Fields = { ...inner };
		parent[part] = copy;
		parent = copy;
	}
	return parent;
}

/** Whether the two states of a document differ in no field except `_updatedAt`. */
export function changesNothing(before: Document, after: Document): boolean {
	const fields = Object.keys(after);
	if (fields.length !== Object.keys(before).length) return false;
	return fields.every((field) => field === '_updatedAt' || isDeepStrictEqual(before[field], after[field]));
}

type Operation = (parent: Fields, key: string, change: unknown) => void;

const operations: Record<string, Operation> = {
	$set: (parent, key, value) => {
		parent[key] = value;
	},
	$unset: (parent, key) => {
		delete parent[key];
	},
	$inc: (parent, key, amount) => {
		const before = parent[key] === undefined ? 0 : parent[key];
		if (typeof before !== 'number') throw new TypeError(`${key} is not a number`);
		parent[key] = before + (amount as number);
	},
	$push: (parent, key, change) => {
		const list = [...listIn(parent, key), ...elementsToAdd(change)];
		// A positive `$slice` keeps that many elements from the start, a negative one from the end.
		const slice = hasEach(change) ? (change.$slice as number | undefined) : undefined;
		if (slice === undefined) parent[key] = list;
		else if (slice === 0) parent[key] = [];
		else parent[key] = slice > 0 ? list.slice(0, slice) : list.slice(slice);
	},
	$addToSet: (parent, key, change) => {
		const list = [...listIn(parent, key)];
		for (const value of elementsToAdd(change))
			if (!list.some((element) => isSameScalar(element, value))) list.push(value);
		parent[key] = list;
	},
	$pull: (parent, key, change) => {
		if (parent[key] === undefined) return;
		const isRemoved = pullCondition(change);
		parent[key] = listIn(parent, key).filter((element) => !isRemoved(element));
	},
};

function listIn(parent: Fields, key: string): readonly unknown[] {
	const list = parent[key];
	if (list === undefined) return [];
	if (!Array.isArray(list)) throw new TypeError(`${key} is not a list`);
	return list;
}

const elementsToAdd = (change: unknown): readonly unknown[] =>
	hasEach(change) ? (change.$each as unknown[]) : [change];

function pullCondition(change: unknown): (element: unknown) => boolean {
	if (!isFields(change)) return (element) => isSameScalar(element, change);
	if ('$in' in change) {
		const values = change.$in as unknown[];
		return (element) => values.some((value) => isSameScalar(element, value));
	}
	const matches = compile(change);
	return (element) => isFields(element) && matches(element);
}
