/** The updates both stores understand. The rest is refused: nedb would replace a document or pass over what it cannot do. */
import { copyStorable, type Fields, isFields, isScalar, kindOf } from './values.js';

/** Operators and values of an update, by operator and then path. */
export type Update = Record<string, Fields>;

/** Says a filter in the words of the store it goes to, after checking it. */
export type Speak = (filter: Fields) => Fields;

/**
 * Checks an update and copies it, with `_updatedAt` set to the present time unless it says something about that itself.
 *
 * @throws TypeError for replacements, pipelines, unknown operators, `undefined`, changes of `_id`, paths through array
 * positions and paths that collide
 */
export function copyUpdate(update: Fields, speak: Speak): Update {
	if (!isFields(update) || Object.keys(update).length === 0)
		throw new TypeError('An update consists of operators such as $set');
	const copy: Update = {};
	const paths = new Set<string>();
	for (const [operator, changes] of Object.entries(update)) {
		if (!Object.hasOwn(operators, operator)) throw new TypeError(`Updates do not know ${operator}`);
		if (!isFields(changes)) throw new TypeError(`${operator} needs an object`);
		const copied: Fields = {};
		for (const [path, change] of Object.entries(changes)) {
			checkPath(path);
			if (paths.has(path)) throw new TypeError(`${path} is changed twice`);
			paths.add(path);
			copied[path] = (operators[operator] as Operator)(change, path, speak);
		}
		copy[operator] = copied;
	}
	refuseCollisions(paths);
	if (!paths.has('_updatedAt')) copy.$set = { ...copy.$set, _updatedAt: new Date() };
	return copy;
}

type Operator = (change: unknown, path: string, speak: Speak) => unknown;

const operators: Record<string, Operator> = {
	$set: (change, path) => copyStorable(change, path),
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
		if (!isEach(change)) return member(change, path);
		const [other] = Object.keys(change).filter((key) => key !== '$each');
		if (other !== undefined) throw new TypeError(`${path}: $addToSet does not know ${other}`);
		return { $each: eachOf(change.$each, path).map((value) => member(value, path)) };
	},
	$pull: (change, path, speak) => {
		if (!isFields(change)) return member(change, path);
		// A condition on elements that are values themselves: only a choice of them.
		if (!('$in' in change)) return speak(change);
		if (Object.keys(change).length > 1 || !Array.isArray(change.$in))
			throw new TypeError(`${path}: $in needs a list and stands alone`);
		return { $in: change.$in.map((value) => member(value, path)) };
	},
};

const isEach = (change: unknown): change is Fields & { $each: unknown } => isFields(change) && '$each' in change;

function eachOf(values: unknown, path: string): unknown[] {
	if (!Array.isArray(values)) throw new TypeError(`${path}: $each needs a list`);
	return copyStorable(values, path) as unknown[];
}

/** nedb holds two objects for equal when their values are, whatever the names of the fields. */
function member(value: unknown, path: string): unknown {
	if (value === null || isScalar(value)) return copyStorable(value, path);
	throw new TypeError(`${path}: only plain values are told apart, not ${kindOf(value)}`);
}

function checkPath(path: string): void {
	if (path === '_id' || path.startsWith('_id.')) throw new TypeError('An _id never changes');
	for (const part of path.split('.')) {
		// nedb would leave a hole in an array, or reach for the prototype.
		if (/^(\d+|\$.*|__proto__|constructor|prototype|)$/.test(part))
			throw new TypeError(`${path}: '${part}' cannot be part of a path`);
	}
}

function refuseCollisions(paths: ReadonlySet<string>): void {
	for (const path of paths) {
		for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
			if (paths.has(path.slice(0, dot))) throw new TypeError(`${path} and ${path.slice(0, dot)} collide`);
		}
	}
}
