/** Reading and writing the documents of a table: the embedded store, in memory or on disk. */
import type { FindOptions } from '../../shared/store.js';
import { type Document, type Fields, ownCopy } from '../../shared/values.js';
import { createYielder } from '../../shared/yielding.js';
import { sorter } from '../query/order.js';
import { projector } from '../query/projection.js';
import { applyUpdate, type Update } from '../query/update.js';
import type { Backend, Query, Report, Written } from './collection.js';
import type { Table } from './table.js';

/** Runs a writing task while no other runs. Resolves when its writes are durable. The task must not throw. */
export type RunWrite = (task: () => void) => Promise<void>;

/** Changes or removes one stored document. */
type Write = (document: Document) => Written;

/** Documents tested between two clock checks. */
const CHECK_EVERY = 32;

/** Maximum number of documents written in one task, because it runs synchronously. */
export const MAX_WRITES = 100;

/** Runs a writing task that may throw. @returns the error that it has thrown, when its other writes are durable */
export async function attempt(run: RunWrite, task: () => void): Promise<{ readonly error: unknown } | undefined> {
	const failures: { error: unknown }[] = [];
	await run(() => {
		try {
			task();
		} catch (error) {
			failures.push({ error });
		}
	});
	return failures[0];
}

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
		const end = limit === 0 ? Number.POSITIVE_INFINITY : skip + limit;
		const [first, ...others] = Object.entries(sort);
		const path = others.length === 0 && first?.[1] === 1 ? first[0] : undefined;
		const { documents, ordered } = table.candidates(query.filter, path);
		if (!first || (path !== undefined && ordered)) {
			let count = 0;
			for await (const document of scan(query, documents)) {
				if (++count > skip) yield project(document);
				if (count >= end) return;
			}
			return;
		}
		const inOrder = sorter(sort, end);
		for await (const document of scan(query, documents)) inOrder.add(document);
		const yielder = createYielder(CHECK_EVERY);
		for (const document of inOrder.sorted.slice(skip)) {
			const pause = yielder();
			if (pause) await pause;
			yield project(document as Document);
		}
	}

	/** Makes the function that applies the projection, and copies what the caller may change. */
	function resultMapper({ projection }: FindOptions): (document: Document) => Fields {
		const project = projector(projection);
		return table.copies ? project : (document) => ownCopy(project(document));
	}

	/** Runs a writing task and reports its writes after they are stored, also if it fails after some of them. */
	async function commit(task: (written: Written[]) => void, report?: Report): Promise<number> {
		const written: Written[] = [];
		const failure = await attempt(run, () => task(written));
		if (report) for (const write of written) report(write);
		if (failure) throw failure.error;
		return written.length;
	}

	/** Writes the documents that match at the time of the write; only one of them unless `multi`. */
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
		async findOne(query, options = {}) {
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
		update: (query, update, multi, report) => writeMatching(query, multi, updated(update), report),
		async updateReturning(query, update, { returnDocument, projection }, report) {
			const project = resultMapper({ projection });
			let answer: Fields | null = null;
			const write: Write = (document) => {
				const written = updated(update)(document);
				answer = project(written[returnDocument] as Document);
				return written;
			};
			await writeMatching(query, false, write, report);
			return answer;
		},
		remove: (query, multi, report) => writeMatching(query, multi, removed, report),
	};
}
