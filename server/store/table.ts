/** Documents with their indexes, in memory or on disk. A document is never changed, only replaced. */

import type { IndexSpec } from '../../shared/indexes.js';
import { DuplicateKeyError } from '../../shared/storeErrors.js';
import type { Document, Fields } from '../../shared/values.js';
import {
	type Candidates,
	candidates,
	type ReadableDocuments,
	type ReadableEntries,
	type ReadableIndex,
} from '../query/candidates.js';
import { keysOf } from '../query/indexKeys.js';

/** Documents by their ids. */
export interface Documents extends ReadableDocuments {
	put(document: Document): void;
	remove(id: string): void;
	/** Whether `get` and `scan` return new copies, which the caller may change. */
	readonly returnsCopies: boolean;
}

/** The entries of an index: ids of documents by the documents' keys (`query/indexKeys.ts`). */
export interface IndexEntries extends ReadableEntries {
	add(key: string, id: string): void;
	remove(key: string, id: string): void;
}

interface Index extends ReadableIndex {
	/** The first part of each path. If none of these fields changes, no entry changes. */
	readonly topFields: readonly string[];
	readonly entries: IndexEntries;
}

/** The documents of a collection, and the indexes that find them. */
export class Table {
	readonly #indexes: readonly Index[];

	constructor(
		private readonly name: string,
		private readonly documents: Documents,
		specs: readonly IndexSpec[],
		openIndex: (spec: IndexSpec) => IndexEntries,
	) {
		// Indexes with `expires` are left out, because only MongoDB deletes old documents by them.
		this.#indexes = specs
			.filter(({ expires }) => !expires)
			.map((spec) => ({
				spec,
				topFields: spec.fields.map((field) => field.split('.', 1)[0] as string),
				entries: openIndex(spec),
			}));
	}

	get returnsCopies(): boolean {
		return this.documents.returnsCopies;
	}

	get(id: string): Document | undefined {
		return this.documents.get(id);
	}

	/**
	 * Inserts or replaces a document in the table and all indexes, or throws without a change.
	 * @param before the stored document to replace; undefined to insert
	 * @throws DuplicateKeyError
	 */
	put(document: Document, before?: Document): void {
		if (!before && this.documents.get(document._id)) throw new DuplicateKeyError(this.name);
		const indexChanges: { entries: IndexEntries; addedKeys: string[]; removedKeys: string[] }[] = [];
		for (const { spec, topFields, entries } of this.#indexes) {
			if (before && topFields.every((field) => before[field] === document[field])) continue;
			const newKeys = new Set(keysOf(document, spec));
			const oldKeys = new Set(before && keysOf(before, spec));
			const addedKeys = [...newKeys].filter((key) => !oldKeys.has(key));
			const removedKeys = [...oldKeys].filter((key) => !newKeys.has(key));
			if (spec.unique && addedKeys.some((key) => entries.count(key) > 0)) throw new DuplicateKeyError(this.name);
			indexChanges.push({ entries, addedKeys, removedKeys });
		}
		// First, because it throws for a document that cannot be stored.
		this.documents.put(document);
		for (const { entries, addedKeys, removedKeys } of indexChanges) {
			for (const key of removedKeys) entries.remove(key, document._id);
			for (const key of addedKeys) entries.add(key, document._id);
		}
	}

	/** Adds all stored documents to the indexes, which must be empty. @throws DuplicateKeyError */
	indexAll(): void {
		for (const document of this.documents.scan(undefined)) {
			for (const { spec, entries } of this.#indexes) {
				const keys = keysOf(document, spec);
				if (spec.unique && keys.some((key) => entries.count(key) > 0)) throw new DuplicateKeyError(this.name);
				for (const key of keys) entries.add(key, document._id);
			}
		}
	}

	remove(document: Document): void {
		for (const { spec, entries } of this.#indexes)
			for (const key of keysOf(document, spec)) entries.remove(key, document._id);
		this.documents.remove(document._id);
	}

	/** Finds candidates for a filter. @param sortPath the path by which the caller wants the documents sorted, if possible */
	candidates(filter: Fields, sortPath?: string): Candidates {
		return candidates(this.documents, this.#indexes, filter, sortPath);
	}
}
