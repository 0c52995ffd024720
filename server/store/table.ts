/** Documents with their indexes, in memory or on disk. A document is never changed, only replaced. */

import type { IndexSpec } from '../../shared/indexes.js';
import { DuplicateKeyError } from '../../shared/storeErrors.js';
import { type Document, type Fields, isId } from '../../shared/values.js';
import { allowedValues, lowerBound } from '../query/allowedValues.js';
import { AFTER_ALL_KEYS, isShort, keyOf, keysOf, keysToLookUp, prefixOf, TEXT_RANGE } from '../query/indexKeys.js';

/** Documents by their ids. */
export interface Documents {
	get(id: string): Document | undefined;
	put(document: Document): void;
	remove(id: string): void;
	/**
	 * All documents. An ordered table begins after the id `after`, if it is given; others ignore it. Documents may be
	 * written during the iteration.
	 */
	scan(after: string | undefined): Iterable<Document>;
	/** Whether `scan` returns documents ordered by id, and an index the ids of a key in order. */
	readonly ordered: boolean;
	/** Whether `get` and `scan` return new copies, which the caller may change. */
	readonly copies: boolean;
}

/** The entries of an index: ids of documents by the documents' keys (`query/indexKeys.ts`). */
export interface IndexEntries {
	/** The ids of a key. In an ordered table only those after the id `after`, if it is given. */
	ids(key: string, after: string | undefined): Iterable<string>;
	/** How many ids a key has. */
	count(key: string): number;
	/** The ids of the keys from `from` to before `to`, in the order of the keys by code points. */
	between(from: string, to: string): Iterable<string>;
	add(key: string, id: string): void;
	remove(key: string, id: string): void;
}

/** Candidates: a superset of the documents that match a filter. */
export interface Candidates {
	readonly documents: Iterable<Document>;
	/** Whether they are sorted, ascending, by the path that was passed to `candidates`. */
	readonly ordered: boolean;
}

/** Up to this number of candidates, sorting them is faster than reading them from an index in order. */
const MAX_TO_SORT = 100;

interface Index {
	readonly spec: IndexSpec;
	/** The first parts of its paths. If none of these fields changes, no entry of the index changes. */
	readonly topFields: readonly string[];
	readonly entries: IndexEntries;
}

/** The documents of a collection, and the indexes that find them. */
export class Table {
	readonly #indexes: readonly Index[];

	/** @param openIndex opens the stored entries of an index */
	constructor(
		private readonly name: string,
		private readonly documents: Documents,
		specs: readonly IndexSpec[],
		openIndex: (spec: IndexSpec) => IndexEntries,
	) {
		// Only MongoDB uses an index that expires: it deletes old documents.
		this.#indexes = specs
			.filter(({ expires }) => !expires)
			.map((spec) => ({
				spec,
				topFields: spec.fields.map((field) => field.split('.', 1)[0] as string),
				entries: openIndex(spec),
			}));
	}

	get copies(): boolean {
		return this.documents.copies;
	}

	get(id: string): Document | undefined {
		return this.documents.get(id);
	}

	/**
	 * Inserts or replaces a document in the table and all indexes, or throws without a change.
	 *
	 * @param before the stored document to replace; undefined to insert
	 * @throws DuplicateKeyError
	 */
	put(document: Document, before?: Document): void {
		if (!before && this.documents.get(document._id)) throw new DuplicateKeyError(this.name);
		const indexChanges: { entries: IndexEntries; addedKeys: string[]; removedKeys: string[] }[] = [];
		for (const { spec, topFields, entries } of this.#indexes) {
			if (before && topFields.every((field) => before[field] === document[field])) continue;
			const newKeys = keysOf(document, spec);
			const oldKeys = before ? keysOf(before, spec) : [];
			const addedKeys = newKeys.filter((key) => !oldKeys.includes(key));
			if (spec.unique && addedKeys.some((key) => entries.count(key) > 0)) throw new DuplicateKeyError(this.name);
			indexChanges.push({ entries, addedKeys, removedKeys: oldKeys.filter((key) => !newKeys.includes(key)) });
		}
		for (const { entries, addedKeys, removedKeys } of indexChanges) {
			for (const key of removedKeys) entries.remove(key, document._id);
			for (const key of addedKeys) entries.add(key, document._id);
		}
		this.documents.put(document);
	}

	/** Adds a stored document to the indexes, which must not contain it yet. @throws DuplicateKeyError */
	index(document: Document): void {
		for (const { spec, entries } of this.#indexes) {
			const keys = keysOf(document, spec);
			if (spec.unique && keys.some((key) => entries.count(key) > 0)) throw new DuplicateKeyError(this.name);
			for (const key of keys) entries.add(key, document._id);
		}
	}

	/** Removes a document from the table and all indexes. */
	remove(document: Document): void {
		for (const { spec, entries } of this.#indexes)
			for (const key of keysOf(document, spec)) entries.remove(key, document._id);
		this.documents.remove(document._id);
	}

	/**
	 * Finds candidates by id, by an index that is sorted by `path`, or by the index with the fewest candidates. If none can
	 * be used, all documents are candidates.
	 *
	 * @param path the path by which the caller wants the documents sorted, if possible
	 */
	candidates(filter: Fields, path = '_id'): Candidates {
		const wantedIds = allowedValues(filter, '_id');
		if (wantedIds?.length === 1) {
			const [id] = wantedIds;
			const document = isId(id) ? this.documents.get(id) : undefined;
			return { documents: document ? [document] : [], ordered: true };
		}
		if (wantedIds) return { documents: this.#read(new Set(wantedIds.filter(isId))), ordered: false };
		const found = this.#lookUp(filter);
		const isQuickToSort = found !== undefined && found.count <= MAX_TO_SORT;
		const sortedIds = path === '_id' || isQuickToSort ? undefined : this.#idsInOrder(filter, path);
		if (sortedIds) return { documents: this.#read(sortedIds), ordered: true };
		const bound = lowerBound(filter, '_id');
		const after = isId(bound) ? bound : undefined;
		const ordered = path === '_id' && this.documents.ordered;
		if (!found) return { documents: this.documents.scan(after), ordered };
		const { entries, keys } = found;
		const [key, ...others] = keys;
		if (key !== undefined && others.length === 0) return { documents: this.#read(entries.ids(key, after)), ordered };
		const ids = new Set(keys.flatMap((key) => [...entries.ids(key, after)]));
		return { documents: this.#read(ids), ordered: false };
	}

	/** Reads each document when the caller takes it. Leaves out those that were removed meanwhile. */
	*#read(ids: Iterable<string>): Iterable<Document> {
		for (const id of ids) {
			const document = this.documents.get(id);
			if (document) yield document;
		}
	}

	/** Looks up the filter in the index with the fewest candidates; undefined if no index can be used. */
	#lookUp(filter: Fields): { entries: IndexEntries; keys: string[]; count: number } | undefined {
		let best: { entries: IndexEntries; keys: string[]; count: number } | undefined;
		for (const { spec, entries } of this.#indexes) {
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
	 * The ids of the candidates, sorted by a path. They come from a unique index on two fields: one for which the filter
	 * allows a single value, then the path. Undefined if there is no such index, or the path has values in it that are not
	 * short texts, because only keys of short texts are in sort order.
	 */
	#idsInOrder(filter: Fields, path: string): Iterable<string> | undefined {
		for (const { spec, entries } of this.#indexes) {
			const [field = '', second] = spec.fields;
			if (second !== path || spec.fields.length > 2 || !spec.unique || spec.sparse) continue;
			const values = allowedValues(filter, field);
			if (values?.length !== 1) continue;
			const prefix = prefixOf(values[0]);
			const [from, to] = [prefix + TEXT_RANGE.from, prefix + TEXT_RANGE.to];
			// A key before or after the texts means another value.
			for (const _ of entries.between(prefix, from)) return undefined;
			for (const _ of entries.between(to, prefix + AFTER_ALL_KEYS)) return undefined;
			const bound = lowerBound(filter, path);
			const start = bound !== undefined && isShort(bound) ? prefix + keyOf(bound) : from;
			return entries.between(start, to);
		}
		return undefined;
	}
}
