/**
 * Compiles projections, with the semantics of MongoDB. A projection also applies to documents in arrays:
 * `{'services.resume.loginTokens.hashedToken': 0}` leaves out the hash of each token.
 */
import type { Projection } from '../../shared/store.js';
import { type Fields, isFields } from '../../shared/values.js';

/** The paths of a projection as a tree, with `true` where a path ends. */
type Tree = Map<string, Tree | true>;

/**
 * Compiles a projection to a function on documents.
 *
 * @throws TypeError for a projection that both includes and excludes fields, or contains a field and a part of it
 */
export function projector(projection: Projection = {}): (document: Fields) => Fields {
	const paths: string[] = [];
	let flag: number | undefined;
	let idFlag: number | undefined;
	for (const path in projection) {
		const pathFlag = projection[path];
		if (path === '_id') {
			idFlag = pathFlag;
			continue;
		}
		if (flag !== undefined && pathFlag !== flag)
			throw new TypeError('A projection either includes fields or excludes them');
		flag = pathFlag;
		paths.push(path);
	}
	if (flag === undefined && idFlag === undefined) return (document) => document;
	// `_id` decides only if the projection has no other path.
	const includes = (flag ?? idFlag) === 1;
	if (includes) {
		const tree = treeOf(idFlag === 0 ? paths : ['_id', ...paths]);
		return (document) => include(document, tree) as Fields;
	}
	const tree = treeOf(idFlag === 0 ? [...paths, '_id'] : paths);
	return (document) => exclude(document, tree) as Fields;
}

/** @throws TypeError for two paths of which one begins with the other, such as `u` and `u._id` */
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
			if (next === true) throw new TypeError(`A projection cannot have ${path} and a field that contains it`);
			branch.set(part, next);
			branch = next;
		}
		if (branch.has(last)) throw new TypeError(`A projection cannot have ${path} and a part of it`);
		branch.set(last, true);
	}
	return root;
}

/** Keeps only the paths in the tree, in the order of the tree. */
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

function exclude(value: unknown, tree: Tree): unknown {
	if (Array.isArray(value)) return value.map((element) => exclude(element, tree));
	if (!isFields(value)) return value;
	return mapFields(value, (key, field) => {
		const branch = tree.get(key);
		if (branch === true) return undefined;
		return branch ? exclude(field, branch) : field;
	});
}

/** Replaces each field by the result of `map`. Undefined removes the field. */
function mapFields(value: Fields, map: (key: string, field: unknown) => unknown): Fields {
	const kept: Fields = {};
	for (const [key, field] of Object.entries(value)) {
		const result = map(key, field);
		if (result !== undefined) kept[key] = result;
	}
	return kept;
}
