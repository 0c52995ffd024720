/** Updates: a subset of MongoDB's, with the same semantics. All stores refuse other updates. */
import { isDeepStrictEqual } from 'node:util';
import { copyStorable, type Document, type Fields, isFields, isSame, isScalar, kindOf } from '../../shared/values.js';
import { compile } from './match.js';

/** A checked update: operators and values, by operator and then path. */
export type Update = Record<string, Fields>;

/**
 * Checks an update and copies it, with `_updatedAt` set to the present time unless the update contains `_updatedAt`.
 * Operators and changes that are undefined are left out: `{ $set: { note: undefined } }` changes no field. `$pull` has
 * conditions instead of changes, and a condition must not be undefined.
 *
 * @throws TypeError for replacements, pipelines, unknown operators, changes of `_id`, paths through array positions and
 * paths that collide
 */
export function checkUpdate(update: unknown): Update {
	if (!isFields(update) || Object.keys(update).length === 0)
		throw new TypeError('An update consists of operators such as $set');
	const checked: Update = {};
	const paths = new Set<string>();
	for (const [operator, changes] of Object.entries(update)) {
		if (!Object.hasOwn(checks, operator)) throw new TypeError(`Updates do not know ${operator}`);
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

type Check = (change: unknown, path: string) => unknown;

const checks: Record<string, Check> = {
	$set: copyStorable,
	$unset: (_, path) => {
		if (path === '_updatedAt') throw new TypeError('_updatedAt is always there');
		return true;
	},
	$inc: (change, path) => {
		if (typeof change !== 'number') throw new TypeError(`${path}: $inc needs a number`);
		return copyStorable(change, path);
	},
	$push: (change, path) => {
		if (!isEach(change)) return copyStorable(change, path);
		const { $each, $slice, ...rest } = change;
		const [other] = Object.keys(rest);
		if (other !== undefined) throw new TypeError(`${path}: $push does not know ${other}`);
		const values = eachOf($each, path);
		if ($slice === undefined) return { $each: values };
		if (!Number.isInteger($slice)) throw new TypeError(`${path}: $slice needs a whole number`);
		return { $each: values, $slice };
	},
	$addToSet: (change, path) => {
		if (!isEach(change)) return comparableElement(change, path);
		const [other] = Object.keys(change).filter((key) => key !== '$each');
		if (other !== undefined) throw new TypeError(`${path}: $addToSet does not know ${other}`);
		return { $each: eachOf(change.$each, path).map((value) => comparableElement(value, path)) };
	},
	$pull: (change, path) => {
		if (!isFields(change)) return comparableElement(change, path);
		if (!('$in' in change)) {
			compile(change);
			return change;
		}
		// `$in` selects elements that are scalars. No other operator may select scalars.
		if (Object.keys(change).length > 1 || !Array.isArray(change.$in))
			throw new TypeError(`${path}: $in needs a list and stands alone`);
		return { $in: change.$in.map((value) => comparableElement(value, path)) };
	},
};

/** Whether a change has the form `{$each: [...]}`, with several elements. */
const isEach = (change: unknown): change is Fields & { $each: unknown } => isFields(change) && '$each' in change;

function eachOf(values: unknown, path: string): unknown[] {
	if (!Array.isArray(values)) throw new TypeError(`${path}: $each needs a list`);
	return copyStorable(values, path) as unknown[];
}

/**
 * Checks an element that is compared with those of an array. It cannot be a document, because MongoDB also compares the
 * order of fields.
 */
function comparableElement(value: unknown, path: string): unknown {
	if (value === null || isScalar(value)) return copyStorable(value, path);
	throw new TypeError(`${path}: only plain values can be compared, not ${kindOf(value)}`);
}

function checkPath(path: string): void {
	if (path === '_id' || path.startsWith('_id.')) throw new TypeError('An _id never changes');
	for (const part of path.split('.')) {
		// Numbers in paths are refused: they mean array positions, and stores differ if the value is not an array.
		if (/^(\d+|\$.*|__proto__|constructor|prototype|.*\0.*|)$/s.test(part))
			throw new TypeError(`${path}: '${part}' cannot be part of a path`);
	}
}

/** Refuses an update of a field together with a part of it. */
function refuseCollisions(paths: ReadonlySet<string>): void {
	for (const path of paths) {
		for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
			if (paths.has(path.slice(0, dot))) throw new TypeError(`${path} and ${path.slice(0, dot)} collide`);
		}
	}
}

/**
 * Applies an update and returns the new document; the old one is unchanged. Both share the unaffected parts.
 *
 * @throws TypeError if a field has the wrong type for an operator
 */
export function applyUpdate(document: Document, update: Update): Document {
	const changed = { ...document };
	for (const [operator, changes] of Object.entries(update)) {
		const removes = operator === '$unset' || operator === '$pull';
		for (const [path, change] of Object.entries(changes)) {
			const parts = path.split('.');
			const key = parts.pop() as string;
			const parent = parentOf(changed, parts, removes);
			if (parent) (operations[operator] as Operation)(parent, key, change);
		}
	}
	return changed;
}

/**
 * Copies the parent object of a field and all its ancestors, and returns the copy of the parent.
 *
 * @param removes true: a missing parent is not created, because there is nothing to remove
 */
function parentOf(document: Fields, parts: readonly string[], removes: boolean): Fields | undefined {
	let parent = document;
	for (const part of parts) {
		const inner = parent[part];
		if (inner !== undefined && !isFields(inner)) {
			if (removes) return undefined;
			throw new TypeError(`${parts.join('.')} leads through something that has no fields`);
		}
		if (inner === undefined && removes) return undefined;
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
	return fields.every((field) => {
		const [was, is] = [before[field], after[field]];
		return field === '_updatedAt' || was === is || (Object.hasOwn(before, field) && isDeepStrictEqual(was, is));
	});
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
		const before = parent[key] ?? 0;
		if (typeof before !== 'number' || parent[key] === null) throw new TypeError(`${key} is no number`);
		parent[key] = before + (amount as number);
	},
	$push: (parent, key, change) => {
		const list = [...listIn(parent, key), ...elementsToAdd(change)];
		const slice = isEach(change) ? (change.$slice as number | undefined) : undefined;
		if (slice === undefined) parent[key] = list;
		else if (slice === 0) parent[key] = [];
		else parent[key] = slice > 0 ? list.slice(0, slice) : list.slice(slice);
	},
	$addToSet: (parent, key, change) => {
		const list = [...listIn(parent, key)];
		for (const value of elementsToAdd(change)) if (!list.some((element) => isSame(element, value))) list.push(value);
		parent[key] = list;
	},
	$pull: (parent, key, change) => {
		if (parent[key] === undefined) return;
		const isPulled = pullCondition(change);
		parent[key] = listIn(parent, key).filter((element) => !isPulled(element));
	},
};

function listIn(parent: Fields, key: string): readonly unknown[] {
	const list = parent[key];
	if (list === undefined) return [];
	if (!Array.isArray(list)) throw new TypeError(`${key} is no list`);
	return list;
}

/** The elements that `$push` or `$addToSet` adds. */
const elementsToAdd = (change: unknown): readonly unknown[] =>
	isEach(change) ? (change.$each as unknown[]) : [change];

/** Compiles the condition of `$pull` to a predicate on elements. */
function pullCondition(change: unknown): (element: unknown) => boolean {
	if (!isFields(change)) return (element) => isSame(element, change);
	if ('$in' in change) {
		const values = change.$in as unknown[];
		return (element) => values.some((value) => isSame(element, value));
	}
	const matches = compile(change);
	return (element) => isFields(element) && matches(element);
}
