/** The embedded store: reads and writes the documents of a table, in memory or on disk. */
import type { FindOptions } from '../../shared/store.js';
import { type Document, type Fields, ownCopy } from '../../shared/values.js';
import { createYielder } from '../../shared/yielding.js';
import { sorter } from '../query/order.js';
import { projector } from '../query/projection.js';
import { applyUpdate, type Update } from '../query/update.js';
import type { Backend, Query } from './collection.js';
import type { Report, Written } from './orderedReports.js';
import type { Table } from './table.js';

/** Runs a writing task while no other task runs. Resolves when the writes are durable. The task must not throw. */
type RunWrite = (task: () => void) => Promise<void>;

/** Changes or removes one stored document. */
type Write = (document: Document) => Written;

/** Number of documents between two checks whether to let the event loop run. */
const CHECK_EVERY = 32;

/** Maximum number of documents written in one task, which blocks the event loop. */
const MAX_WRITES = 100;

/** Makes a backend from a table. */
export function embedded(table: Table, run: RunWrite): Backend {
	/** The documents that match. Lets the event loop run between documents. */
	async function* scan({ filter, matches }: Query, documents = table.candidates(filter).documents) {
		const yielder = createYielder(CHECK_EVERY);
		let pause = yielder();
		if (pause) await pause;
		for (const document of documents) {
			if (matches(document)) yield document;
			pause = yielder();
			if (pause) await pause;
		}
	}

	async function* find(query: Query, options: FindOptions = {}): AsyncIterable<Fields> {
		const project = resultMapper(options);
		const { skip = 0, limit = 0, sort = {} } = options;
		// A limit of 0 means no limit, as in MongoDB.
		const end = limit === 0 ? Number.POSITIVE_INFINITY : skip + limit;
		const [first, ...others] = Object.entries(sort);
		const isByOneAscendingPath = others.length === 0 && first?.[1] === 1;
		const path = isByOneAscendingPath ? first[0] : undefined;
		const { documents, ordered } = table.candidates(query.filter, path);
		const needsNoSorting = !first || (path !== undefined && ordered);
		if (needsNoSorting) {
			let count = 0;
			for await (const document of scan(query, documents)) {
				if (++count > skip) yield project(document);
				if (count >= end) return;
			}
			return;
		}
		const sorting = sorter(sort, end);
		for await (const document of scan(query, documents)) sorting.add(document);
		const yielder = createYielder(CHECK_EVERY);
		for (const document of sorting.sorted.slice(skip)) {
			const pause = yielder();
			if (pause) await pause;
			yield project(document as Document);
		}
	}

	/** Makes the function that applies the projection. It returns copies, which the caller may change. */
	function resultMapper({ projection }: FindOptions): (document: Document) => Fields {
		const project = projector(projection);
		return table.returnsCopies ? project : (document) => ownCopy(project(document));
	}

	/**
	 * Runs a task, which adds its writes to `written`. Reports these writes when they are durable. If the task throws
	 * after some writes, these are reported, and then the error is thrown. @returns the number of written documents
	 */
	async function commit(task: (written: Written[]) => void, report?: Report): Promise<number> {
		const written: Written[] = [];
		const failures: unknown[] = [];
		await run(() => {
			try {
				task(written);
			} catch (error) {
				failures.push(error);
			}
		});
		if (report) for (const write of written) report(write);
		if (failures.length > 0) throw failures[0];
		return written.length;
	}

	/**
	 * Writes the matching documents in batches, but only those that still match at the time of the write. Without `multi`,
	 * writes at most one. @returns the number of written documents
	 */
	async function writeMatching(query: Query, multi: boolean, write: Write, report?: Report): Promise<number> {
		const writeEach = (ids: string[]) =>
			commit((written) => {
				for (const id of ids) {
					const document = table.get(id);
					if (document && query.matches(document)) written.push(write(document));
				}
			}, report);
		let count = 0;
		let ids: string[] = [];
		for await (const { _id } of scan(query)) {
			ids.push(_id);
			if (multi && ids.length < MAX_WRITES) continue;
			count += await writeEach(ids);
			if (!multi && count > 0) return count;
			ids = [];
		}
		return ids.length > 0 ? count + (await writeEach(ids)) : count;
	}

	const updateWith =
		(update: Update): Write =>
		(before) => {
			const after = applyUpdate(before, update);
			table.put(after, before);
			return { action: 'updated', id: before._id, before, after };
		};

	function removeOne(before: Document): Written {
		table.remove(before);
		return { action: 'removed', id: before._id, before };
	}

	return {
		reportsInOrder: true,
		find,
		async findOne(query, options = {}) {
			// The fast path: tests the first documents without pauses. `find` begins again if none of them matches.
			if (!options.sort && !options.skip) {
				let tested = 0;
				for (const document of table.candidates(query.filter).documents) {
					if (query.matches(document)) return resultMapper(options)(document);
					if (++tested === CHECK_EVERY) break;
				}
				if (tested < CHECK_EVERY) return null;
			}
			for await (const document of find(query, { ...options, limit: 1 })) return document;
			return null;
		},
		async count(query) {
			let count = 0;
			for await (const _ of scan(query)) count++;
			return count;
		},
		async insert(document, report) {
			await commit((written) => {
				table.put(document);
				written.push({ action: 'inserted', id: document._id, after: document });
			}, report);
		},
		update: (query, update, multi, report) => writeMatching(query, multi, updateWith(update), report),
		async updateReturning(query, update, { returnDocument, projection }, report) {
			const project = resultMapper({ projection });
			let result: Fields | null = null;
			const write: Write = (document) => {
				const written = updateWith(update)(document);
				result = project(written[returnDocument] as Document);
				return written;
			};
			await writeMatching(query, false, write, report);
			return result;
		},
		remove: (query, multi, report) => writeMatching(query, multi, removeOne, report),
	};
}
