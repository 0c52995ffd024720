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
	const paths: string[] = [];
	let mode: number | undefined;
	let id: number | undefined;
	for (const path in projection) {
		const flag = projection[path];
		if (path === '_id') {
			id = flag;
			continue;
		}
		if (mode !== undefined && flag !== mode) throw new TypeError('A projection either takes fields or leaves them out');
		mode = flag;
		paths.push(path);
	}
	if (mode === undefined && id === undefined) return (document) => document;
	if (mode === 1 || (mode === undefined && id === 1)) {
		const tree = treeOf(id === 0 ? paths : ['_id', ...paths]);
		return (document) => include(document, tree) as Fields;
	}
	const tree = treeOf(id === 0 ? [...paths, '_id'] : paths);
	return (document) => exclude(document, tree) as Fields;
}

/** @throws TypeError for a path together with a part of it */
function treeOf(paths: string[]): Tree {
	const root: Tree = new Map();
	for (const path of paths) {
		if (!path.includes('.') && !root.has(path)) {
			root.set(path, true);
			continue;
		}
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

/**
 * Keeps only the paths in the tree, in the order of the projection; undefined for a value that has no fields. It visits
 * only the fields to keep.
 */
function include(value: unknown, tree: Tree): unknown {
	if (Array.isArray(value)) return value.map((element) => include(element, tree)).filter((kept) => kept !== undefined);
	if (!isFields(value)) return undefined;
	const kept: Fields = {};
	for (const [key, branch] of tree) {
		if (!Object.hasOwn(value, key)) continue;
		const field = branch === true ? value[key] : include(value[key], branch);
		if (field !== undefined) kept[key] = field;
	}
	return kept;
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
