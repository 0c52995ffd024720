/**
 * Projections with the semantics of MongoDB. They also apply to documents in arrays:
 * `{'services.resume.loginTokens.hashedToken': 0}` leaves out every hash.
 */
import type { Projection } from '../../shared/store.js';
import { type Fields, isFields } from '../../shared/values.js';

/** Path parts as a tree; `true` where a path ends. */
type Tree = Map<string, Tree | true>;

/**
 * Compiles a projection to a function on documents.
 *
 * @throws TypeError for a projection that both includes and excludes fields, or contains a field and a part of it
 */
export function projector(projection: Projection = {}): (document: Fields) => Fields {
	const { _id: id, ...fields } = projection;
	const modes = new Set<number>(Object.values(fields));
	if (modes.size > 1) throw new TypeError('A projection either takes fields or leaves them out');
	const isInclusion = modes.has(1) || (modes.size === 0 && id === 1);
	if (modes.size === 0 && id === undefined) return (document) => document;
	const paths = Object.keys(fields);
	if (isInclusion && !paths.some((path) => path.includes('.')))
		return topLevelInclusion(id === 0 ? paths : ['_id', ...paths]);
	const tree = treeOf(paths);
	return ({ _id, ...rest }) => {
		const kept = (isInclusion ? include(rest, tree) : exclude(rest, tree)) as Fields;
		return id === 0 ? kept : { _id, ...kept };
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

/** @throws TypeError for a path together with a part of it */
function treeOf(paths: string[]): Tree {
	const root: Tree = new Map();
	for (const path of paths) {
		const parts = path.split('.');
		const last = parts.pop() as string;
		let branch = root;
		for (const part of parts) {
			const next = branch.get(part) ?? new Map();
			if (next === true) throw new TypeError(`${path} collides with a part of it`);
			branch.set(part, next);
			branch = next;
		}
		if (branch.has(last)) throw new TypeError(`${path} collides with a part of it`);
		branch.set(last, true);
	}
	return root;
}

/** Keeps only the paths in the tree; undefined for a value that has no fields. */
function include(value: unknown, tree: Tree): unknown {
	if (Array.isArray(value)) return value.map((element) => include(element, tree)).filter((kept) => kept !== undefined);
	if (!isFields(value)) return undefined;
	return mapFields(value, (key, field) => {
		const branch = tree.get(key);
		return branch === true ? field : branch && include(field, branch);
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

/** Replaces each field by the result of `keep`, and removes it if that is undefined. */
function mapFields(value: Fields, keep: (key: string, field: unknown) => unknown): Fields {
	const kept: Fields = {};
	for (const [key, field] of Object.entries(value)) {
		const result = keep(key, field);
		if (result !== undefined) kept[key] = result;
	}
	return kept;
}
