/** Documents with their indexes, in memory or on disk. A document is never changed, only replaced. */

import type { IndexSpec } from '../../shared/indexes.js';
import { DuplicateKeyError } from '../../shared/storeErrors.js';
import { type Document, type Fields, isId } from '../../shared/values.js';
import { lowerBound, valuesAsked } from '../query/asked.js';
import { isShort, keyOf, keysAsked, keysOf, LAST_KEY, prefixOf, TEXTS } from '../query/indexKeys.js';

/** Documents by their ids. */
export interface Documents {
	get(id: string): Document | undefined;
	put(document: Document): void;
	remove(id: string): void;
	/**
	 * All documents; in an ordered table optionally only those after an id. Documents may be written during the
	 * iteration.
	 */
	scan(after: string | undefined): Iterable<Document>;
	/** Whether `scan` and the ids of an index are ordered by id. */
	readonly ordered: boolean;
	/** Whether `get` and `scan` return new copies, which the caller may change. */
	readonly copies: boolean;
}

/** The entries of an index: ids of documents by their keys (`query/indexKeys.ts`). */
export interface IndexEntries {
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

/** Up to this number, it is faster to sort the candidates than to read them from an index in order. */
const MAX_TO_SORT = 100;

interface Index {
	readonly spec: IndexSpec;
	/** The top-level fields of its paths: if none of them changes, no entry of the index changes. */
	readonly tops: readonly string[];
	readonly entries: IndexEntries;
}

export class Table {
	readonly #indexes: readonly Index[];

	/** @param openIndex opens the stored entries of an index */
	constructor(
		private readonly name: string,
		private readonly documents: Documents,
		specs: readonly IndexSpec[],
		openIndex: (spec: IndexSpec) => IndexEntries,
	) {
		this.#indexes = specs
			.filter(({ expires }) => !expires)
			.map((spec) => ({
				spec,
				tops: spec.fields.map((field) => field.split('.', 1)[0] as string),
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
	 * Inserts or replaces a document in the table and all indexes, or fails without a change.
	 *
	 * @param before the document that it replaces
	 * @throws DuplicateKeyError
	 */
	put(document: Document, before?: Document): void {
		if (!before && this.documents.get(document._id)) throw new DuplicateKeyError(this.name);
		const indexChanges: { entries: IndexEntries; addedKeys: string[]; removedKeys: string[] }[] = [];
		for (const { spec, tops, entries } of this.#indexes) {
			if (before && tops.every((top) => before[top] === document[top])) continue;
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
	 * Finds candidates by id, by an index that is sorted by `path`, or by the most selective index. If none can be used,
	 * all documents are candidates.
	 *
	 * @param path the path by which the documents are to be ordered
	 */
	candidates(filter: Fields, path = '_id'): Candidates {
		const asked = valuesAsked(filter, '_id');
		if (asked?.length === 1) {
			const [id] = asked;
			const document = isId(id) ? this.documents.get(id) : undefined;
			return { documents: document ? [document] : [], ordered: true };
		}
		if (asked) return { documents: this.#read(new Set(asked.filter(isId))), ordered: false };
		const found = this.#lookUp(filter);
		const ids = path !== '_id' && !(found && found.count <= MAX_TO_SORT) && this.#inOrder(filter, path);
		if (ids) return { documents: this.#read(ids), ordered: true };
		const bound = lowerBound(filter, '_id');
		const after = isId(bound) ? bound : undefined;
		const ordered = path === '_id' && this.documents.ordered;
		if (!found) return { documents: this.documents.scan(after), ordered };
		const { entries, keys } = found;
		const [key, ...others] = keys;
		if (key !== undefined && others.length === 0) return { documents: this.#read(entries.ids(key, after)), ordered };
		const all = new Set(keys.flatMap((key) => [...entries.ids(key, after)]));
		return { documents: this.#read(all), ordered: false };
	}

	/** Reads documents one by one, when they are asked for. Leaves out those that were removed meanwhile. */
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
			const keys = keysAsked(filter, spec);
			if (!keys) continue;
			const count = spec.unique ? keys.length : keys.reduce((sum, key) => sum + entries.count(key), 0);
			if (!best || count < best.count) best = { entries, keys, count };
			if (count <= 1) break;
		}
		return best;
	}

	/**
	 * The ids of the candidates, sorted by a path: read from a unique index on a field for which the filter states one
	 * value, followed by the path. Undefined if there is no such index, or some of its keys are not in sort order.
	 */
	#inOrder(filter: Fields, path: string): Iterable<string> | undefined {
		for (const { spec, entries } of this.#indexes) {
			const [field = '', second] = spec.fields;
			if (second !== path || spec.fields.length > 2 || !spec.unique || spec.sparse) continue;
			const values = valuesAsked(filter, field);
			if (values?.length !== 1) continue;
			const prefix = prefixOf(values[0]);
			const [from, to] = [prefix + TEXTS.from, prefix + TEXTS.to];
			for (const _ of entries.between(prefix, from)) return undefined;
			for (const _ of entries.between(to, prefix + LAST_KEY)) return undefined;
			const bound = lowerBound(filter, path);
			return entries.between(bound !== undefined && isShort(bound) ? prefix + keyOf(bound) : from, to);
		}
		return undefined;
	}
}
