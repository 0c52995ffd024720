/** Reading and writing the documents of a table: the embedded store, in memory or on disk. */
import type { FindOptions } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import type { Backend, Query, Report, Written } from './collection.js';
import { sorter } from './order.js';
import { projector } from './projection.js';
import type { Table } from './table.js';
import { applyUpdate, type Update } from './update.js';
import { type Document, type Fields, ownCopy } from './values.js';

/** Runs a writing task exclusively; resolves when its writes are durable. */
export type RunWrite = <R>(task: () => R) => Promise<R>;

/** Writes one document, and reports the change. */
type Write = (document: Document) => Written;

/** Documents tested between two clock checks. */
const CHECK_EVERY = 32;

/** Maximum number of documents that one task may test and write, because it runs synchronously. */
const MAX_LOOKS = 500;
const MAX_WRITES = 100;

/** The access to a table. */
export function embedded(table: Table, run: RunWrite): Backend {
	/** Documents that match, in any order. Yields to the event loop. */
	async function* scan({ filter, matches }: Query, documents = table.candidates(filter).documents) {
		const yielding = createYielder(CHECK_EVERY);
		for (const document of documents) {
			const pause = yielding();
			if (pause) await pause;
			if (matches(document)) yield document;
		}
	}

	async function* find(query: Query, options: FindOptions = {}): AsyncIterable<Fields> {
		const project = resultOf(options);
		const { skip = 0, limit = 0, sort = {} } = options;
		const end = limit === 0 ? Number.POSITIVE_INFINITY : skip + limit;
		const { documents, ordered } = table.candidates(query.filter);
		const [first, ...others] = Object.entries(sort);
		if (!first || (ordered && others.length === 0 && first[0] === '_id' && first[1] === 1)) {
			let count = 0;
			for await (const document of scan(query, documents)) {
				if (++count > skip) yield project(document);
				if (count >= end) return;
			}
			return;
		}
		const inOrder = sorter(sort, end);
		for await (const document of scan(query, documents)) inOrder.add(document);
		const yielding = createYielder(CHECK_EVERY);
		for (const document of inOrder.sorted.slice(skip)) {
			const pause = yielding();
			if (pause) await pause;
			yield project(document as Document);
		}
	}

	/** The first matching document, unless the scan would be too long for a synchronous task. */
	function look({ filter, matches }: Query): Document | null | 'too many' {
		let looks = 0;
		for (const document of table.candidates(filter).documents) {
			if (matches(document)) return document;
			if (++looks === MAX_LOOKS) return 'too many';
		}
		return null;
	}

	async function findOne(query: Query, options: FindOptions = {}): Promise<Fields | null> {
		const project = resultOf(options);
		const found = options.sort || options.skip ? 'too many' : look(query);
		if (found !== 'too many') return found && project(found);
		for await (const document of find(query, { ...options, limit: 1 })) return document;
		return null;
	}

	function resultOf({ projection }: FindOptions): (document: Document) => Fields {
		const project = projector(projection);
		return table.copies ? project : (document) => ownCopy(project(document));
	}

	/** Runs a writing task, and reports its writes after they are stored, even if it fails after some of them. */
	async function commit<R>(report: Report | undefined, task: (note: Report) => R): Promise<R> {
		const written: Written[] = [];
		const outcome = await run(() => {
			try {
				return { result: task((one) => void written.push(one)) };
			} catch (error) {
				return { error };
			}
		});
		if (report) for (const one of written) report(one);
		if ('error' in outcome) throw outcome.error;
		return outcome.result;
	}

	/** Writes one document that matches at the time of the write. */
	async function writeOne(query: Query, write: Write, report?: Report): Promise<number> {
		const found = await commit(report, (note) => {
			const document = look(query);
			if (document && document !== 'too many') note(write(document));
			return document;
		});
		if (found !== 'too many') return found ? 1 : 0;
		for await (const { _id } of scan(query)) if ((await writeEach(query, [_id], write, report)) === 1) return 1;
		return 0;
	}

	/** Writes the documents with these ids that match at the time of the write. */
	function writeEach(query: Query, ids: readonly string[], write: Write, report?: Report): Promise<number> {
		return commit(report, (note) => {
			let count = 0;
			for (const id of ids) {
				const document = table.get(id);
				if (!document || !query.matches(document)) continue;
				note(write(document));
				count++;
			}
			return count;
		});
	}

	async function writeMany(query: Query, write: Write, report?: Report): Promise<number> {
		const ids: string[] = [];
		for await (const { _id } of scan(query)) ids.push(_id);
		let count = 0;
		for (let i = 0; i < ids.length; i += MAX_WRITES)
			count += await writeEach(query, ids.slice(i, i + MAX_WRITES), write, report);
		return count;
	}

	const updated =
		(update: Update): Write =>
		(before) => {
			const after = applyUpdate(before, update);
			table.put(after, before);
			return { action: 'updated', id: before._id, before, after };
		};

	function removed(before: Document): Written {
		table.remove(before);
		return { action: 'removed', id: before._id, before };
	}

	return {
		find,
		findOne,
		async count(query) {
			let count = 0;
			for await (const _ of scan(query)) count++;
			return count;
		},
		insert: (document, report) =>
			commit(report, (note) => {
				table.put(document);
				note({ action: 'inserted', id: document._id, after: document });
			}),
		update: (query, update, multi, report) => (multi ? writeMany : writeOne)(query, updated(update), report),
		async updateReturning(query, update, { returnDocument, projection }, report) {
			const project = resultOf({ projection });
			let answer: Fields | null = null;
			const write: Write = (document) => {
				const written = updated(update)(document);
				answer = project(written[returnDocument] as Document);
				return written;
			};
			await writeOne(query, write, report);
			return answer;
		},
		remove: (query, multi, report) => (multi ? writeMany : writeOne)(query, removed, report),
	};
}
