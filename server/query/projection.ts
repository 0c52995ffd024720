/**
 * Compiles projections, with the semantics of MongoDB. A projection also applies to documents in arrays:
 * `{'services.resume.loginTokens.hashedToken': 0}` leaves out the hash of each token.
 */
import type { Projection } from '../../shared/store.js';
import { type Fields, isFields } from '../../shared/values.js';

/** The paths of a projection as a tree: each level has the next part of the paths, and `true` where a path ends. */
type Tree = Map<string, Tree | true>;

/**
 * Compiles a projection to a function on documents.
 *
 * @throws TypeError for a projection that both includes and excludes fields, or contains a field and a part of it
 */
export function projector(projection: Projection = {}): (document: Fields) => Fields {
	const { _id: idFlag, ...fields } = projection;
	const flags = new Set<number>(Object.values(fields));
	if (flags.size > 1) throw new TypeError('A projection either includes fields or excludes them');
	if (flags.size === 0 && idFlag === undefined) return (document) => document;
	const isInclusion = flags.has(1) || (flags.size === 0 && idFlag === 1);
	const paths = Object.keys(fields);
	if (isInclusion && !paths.some((path) => path.includes('.')))
		return topLevelInclusion(idFlag === 0 ? paths : ['_id', ...paths]);
	const tree = treeOf(paths);
	return ({ _id, ...rest }) => {
		const kept = (isInclusion ? include(rest, tree) : exclude(rest, tree)) as Fields;
		return idFlag === 0 ? kept : { _id, ...kept };
	};
}

/** The fast path for a projection without dotted paths: it visits only the fields to include. */
function topLevelInclusion(names: readonly string[]): (document: Fields) => Fields {
	return (document) => {
		const kept: Fields = {};
		for (const name of names) if (Object.hasOwn(document, name)) kept[name] = document[name];
		return kept;
	};
}

/** @throws TypeError for two paths of which one is a part of the other */
function treeOf(paths: string[]): Tree {
	const root: Tree = new Map();
	for (const path of paths) {
		const parts = path.split('.');
		const last = parts.pop() as string;
		let branch = root;
		for (const part of parts) {
			const next = branch.get(part) ?? new Map();
			if (next === true) throw new TypeError(`A projection cannot have ${path} and a field that contains it`);
			branch.set(part, next);
			branch = next;
		}
		if (branch.has(last)) throw new TypeError(`A projection cannot have ${path} and a part of it`);
		branch.set(last, true);
	}
	return root;
}

/** Keeps only the paths in the tree. Returns undefined for a value that is neither a document nor an array. */
function include(value: unknown, tree: Tree): unknown {
	if (Array.isArray(value)) return value.map((element) => include(element, tree)).filter((kept) => kept !== undefined);
	if (!isFields(value)) return undefined;
	return mapFields(value, (key, field) => {
		const branch = tree.get(key);
		if (branch === true) return field;
		return branch ? include(field, branch) : undefined;
	});
}

/** Removes the paths in the tree. */
function exclude(value: unknown, tree: Tree): unknown {
	if (Array.isArray(value)) return value.map((element) => exclude(element, tree));
	if (!isFields(value)) return value;
	return mapFields(value, (key, field) => {
		const branch = tree.get(key);
		if (branch === true) return undefined;
		return branch ? exclude(field, branch) : field;
	});
}

/** Replaces each field by the result of `map`, and leaves it out if that is undefined. */
function mapFields(value: Fields, map: (key: string, field: unknown) => unknown): Fields {
	const kept: Fields = {};
	for (const [key, field] of Object.entries(value)) {
		const result = map(key, field);
		if (result !== undefined) kept[key] = result;
	}
	return kept;
}
