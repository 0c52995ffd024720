/** Makes the table of a collection from databases of an LMDB file: one for the documents, one for each index. */
import type { Database, DatabaseOptions } from 'lmdb';
import type { Document } from '../../shared/values.js';
import { openIndex } from '../dataFolder/declaredIndexes.js';
import type { Environment } from '../dataFolder/environment.js';
import type { CollectionSpec } from './collections.js';
import { type IndexEntries, Table } from './table.js';

/** Number of entries read in one page. Between two pages, a read holds no snapshot, so LMDB can reuse free space. */
const PAGE = 100;

/** Documents are stored as plain MessagePack, without lmdb's record types, so that any reader understands them. */
const ENCODING: DatabaseOptions = { encoding: 'msgpack', ...{ encoder: { useRecords: false } } };

/** Opens the table of a collection, and creates it if necessary. */
export function lmdbTable(environment: Environment, { name, indexes }: CollectionSpec): Table {
	const documents: Database<Document, string> = environment.openDB({ name, ...ENCODING });
	return new Table(
		name,
		{
			ordered: true,
			returnsCopies: true,
			get: (id) => documents.get(id),
			put: (document) => void documents.put(document._id, document),
			remove: (id) => void documents.remove(id),
			scan: (after) =>
				pages(after, (start) => [...documents.getRange(pageFrom(start))].map(({ key, value }) => ({ at: key, value }))),
		},
		indexes,
		(spec) => new LmdbIndex(openIndex(environment, name, spec), spec.unique),
	);
}

class LmdbIndex implements IndexEntries {
	constructor(
		private readonly entries: Database<string, string>,
		private readonly isUnique: boolean,
	) {}

	ids(key: string, after: string | undefined): Iterable<string> {
		if (this.isUnique && after === undefined) return [this.entries.get(key) ?? []].flat();
		return pages(after, (start) =>
			[...this.entries.getValues(key, pageFrom(start))].map((id) => ({ at: id, value: id })),
		);
	}

	count(key: string): number {
		return this.entries.getValuesCount(key);
	}

	*between(from: string, to: string): Iterable<string> {
		for (let start = from, exclusiveStart = false; ; exclusiveStart = true) {
			const page = [...this.entries.getRange({ start, end: to, exclusiveStart, limit: PAGE })];
			for (const { value } of page) yield value;
			if (page.length < PAGE) return;
			start = (page.at(-1) as { key: string }).key;
		}
	}

	add(key: string, id: string): void {
		void this.entries.put(key, id);
	}

	remove(key: string, id: string): void {
		void this.entries.remove(key, id);
	}
}

const pageFrom = (start: string | undefined) =>
	start === undefined ? { limit: PAGE } : { start, exclusiveStart: true, limit: PAGE };

/** Reads page after page. @param read reads the page after the position `start`; `at` is the position of an entry */
function* pages<V>(
	after: string | undefined,
	read: (start: string | undefined) => { at: string; value: V }[],
): Iterable<V> {
	let start = after;
	for (;;) {
		const page = read(start);
		for (const { value } of page) yield value;
		if (page.length < PAGE) return;
		start = (page.at(-1) as { at: string }).at;
	}
}
