/** Finds the documents that may match a filter, by id or by the index that finds the fewest. */
import type { IndexSpec } from '../../shared/indexes.js';
import { type Document, type Fields, isId } from '../../shared/values.js';
import { allowedValues, lowerBound } from './allowedValues.js';
import { AFTER_ALL_KEYS, isShort, keyOf, keysToLookUp, prefixOf, TEXT_RANGE } from './indexKeys.js';

/** Documents by their ids. */
export interface ReadableDocuments {
	get(id: string): Document | undefined;
	/**
	 * All documents; if they are `ordered`, only those after the id `after`. Documents may be written during the
	 * iteration.
	 */
	scan(after: string | undefined): Iterable<Document>;
	/** Whether `scan` sorts documents by id, and an index sorts the ids of a key. */
	readonly ordered: boolean;
}

/** The entries of an index: ids of documents by the documents' keys (`indexKeys.ts`). */
export interface ReadableEntries {
	/** The ids of a key; if the documents are `ordered`, only those after the id `after`. */
	ids(key: string, after: string | undefined): Iterable<string>;
	count(key: string): number;
	/** Only for a unique index. The ids of the keys from `from` to before `to`, ordered by code points. */
	between(from: string, to: string): Iterable<string>;
}

export interface ReadableIndex {
	readonly spec: IndexSpec;
	readonly entries: ReadableEntries;
}

/** Candidates: a superset of the documents that match a filter. */
export interface Candidates {
	readonly documents: Iterable<Document>;
	/** Whether `documents` are sorted, ascending, by the path that was passed to `candidates`. */
	readonly ordered: boolean;
}

/** Up to this number of candidates, sorting them is faster than reading them from an index in order. */
const MAX_TO_SORT = 100;

/**
 * Finds candidates by id, by an index that is sorted by `path`, or by the index with the fewest candidates. Otherwise
 * all documents are candidates.
 * @param path the path by which the caller wants the documents sorted, if possible
 */
export function candidates(
	documents: ReadableDocuments,
	indexes: readonly ReadableIndex[],
	filter: Fields,
	path = '_id',
): Candidates {
	const wantedIds = allowedValues(filter, '_id');
	if (wantedIds?.length === 1) {
		const [id] = wantedIds;
		const document = isId(id) ? documents.get(id) : undefined;
		return { documents: document ? [document] : [], ordered: true };
	}
	if (wantedIds) return { documents: read(documents, new Set(wantedIds.filter(isId))), ordered: false };
	const found = lookUp(indexes, filter);
	const isQuickToSort = found !== undefined && found.count <= MAX_TO_SORT;
	const sortedIds = path === '_id' || isQuickToSort ? undefined : idsInOrder(indexes, filter, path);
	if (sortedIds) return { documents: read(documents, sortedIds), ordered: true };
	const bound = lowerBound(filter, '_id');
	const after = isId(bound) ? bound : undefined;
	const ordered = path === '_id' && documents.ordered;
	if (!found) return { documents: documents.scan(after), ordered };
	const { entries, keys } = found;
	const [key, ...others] = keys;
	if (key !== undefined && others.length === 0) return { documents: read(documents, entries.ids(key, after)), ordered };
	const ids = new Set(keys.flatMap((key) => [...entries.ids(key, after)]));
	return { documents: read(documents, ids), ordered: false };
}

/** Reads each document when the caller takes it. Leaves out those that were removed meanwhile. */
function* read(documents: ReadableDocuments, ids: Iterable<string>): Iterable<Document> {
	for (const id of ids) {
		const document = documents.get(id);
		if (document) yield document;
	}
}

interface Found {
	readonly entries: ReadableEntries;
	readonly keys: readonly string[];
	readonly count: number;
}

/** Looks up the filter in the index with the fewest candidates. */
function lookUp(indexes: readonly ReadableIndex[], filter: Fields): Found | undefined {
	let best: Found | undefined;
	for (const { spec, entries } of indexes) {
		const keys = keysToLookUp(filter, spec);
		if (!keys) continue;
		// In a unique index a key has at most one id.
		const count = spec.unique ? keys.length : keys.reduce((sum, key) => sum + entries.count(key), 0);
		if (!best || count < best.count) best = { entries, keys, count };
		if (count <= 1) break;
	}
	return best;
}

/**
 * The ids of the candidates, sorted by a path. Undefined unless there is a unique index on two fields: one for which
 * the filter allows a single value, then the path. All values at the path must be short texts: only their keys are in
 * sort order.
 */
function idsInOrder(indexes: readonly ReadableIndex[], filter: Fields, path: string): Iterable<string> | undefined {
	for (const { spec, entries } of indexes) {
		const [field = '', second] = spec.fields;
		if (second !== path || spec.fields.length > 2 || !spec.unique || spec.sparse) continue;
		const values = allowedValues(filter, field);
		if (values?.length !== 1) continue;
		const prefix = prefixOf(values[0]);
		const [from, to] = [prefix + TEXT_RANGE.from, prefix + TEXT_RANGE.to];
		// If there is a key before or after those of short texts, some value is not a short text.
		for (const _ of entries.between(prefix, from)) return undefined;
		for (const _ of entries.between(to, prefix + AFTER_ALL_KEYS)) return undefined;
		const bound = lowerBound(filter, path);
		const start = bound !== undefined && isShort(bound) ? prefix + keyOf(bound) : from;
		return entries.between(start, to);
	}
	return undefined;
}
