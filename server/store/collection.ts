/**
 * The rules that the collections of all stores share. Filters and updates are checked. Inserts and updates set `_updatedAt`.
 * Writes that are not silent are announced. A `DuplicateKeyError` does not contain the value.
 */
import type { Change, Collection, FindOptions, Projection, WriteOptions } from '../../shared/store.js';
import { DuplicateKeyError, isDuplicateKey } from '../../shared/storeErrors.js';
import type { ObserverSlot, Operation } from '../../shared/storeObserver.js';
import { checkedDocument, type Document, type Fields } from '../../shared/values.js';
import { checkFindOptions } from '../query/findOptions.js';
import { compile, type Matcher } from '../query/match.js';
import { checkUpdate, type Update } from '../query/update.js';
import { type AnnounceWritten, OrderedReports, type Report } from './orderedReports.js';

/** A checked filter, and its compiled function. */
export interface Query {
	readonly filter: Fields;
	readonly matches: Matcher;
}

/**
 * How a store reads and writes one collection. Arguments have been checked; documents and updates are copies. A write passes
 * each written document to `report`.
 */
export interface Backend {
	/** Whether the reports of one document come in the order of its writes. */
	readonly reportsInOrder: boolean;
	find(query: Query, options?: FindOptions): AsyncIterable<Fields>;
	findOne(query: Query, options?: FindOptions): Promise<Fields | null>;
	count(query: Query): Promise<number>;
	insert(document: Document, report?: Report): Promise<unknown>;
	/** @param multi false: updates at most one document. @returns the number of matched documents */
	update(query: Query, update: Update, multi: boolean, report?: Report): Promise<number>;
	updateReturning(query: Query, update: Update, options: Returning, report?: Report): Promise<Fields | null>;
	/** @param multi false: removes at most one document. @returns the number of removed documents */
	remove(query: Query, multi: boolean, report?: Report): Promise<number>;
}

/** Which state of the document `updateReturning` returns, and which of its fields. */
export interface Returning {
	readonly returnDocument: 'before' | 'after';
	readonly projection?: Projection | undefined;
}

/** Returns the function that announces a write; undefined if the write is silent or there is no listener. */
export type Announce = (options: WriteOptions | undefined) => AnnounceWritten | undefined;

/** Runs a write, and rejects if the store is closed. `close` of the store waits for running writes. */
export type WriteGate = <R>(task: () => Promise<R>) => Promise<R>;

/** Converts an error of the backend to the error for callers. */
export type Translate = (error: unknown) => unknown;

/**
 * Wraps a backend as the collection that methods use.
 * @param name for messages
 */
export function collection<T extends { _id: string }>(
	backend: Backend,
	name: string,
	gate: WriteGate,
	announce: Announce,
	translate: Translate,
	slot: ObserverSlot = { observer: undefined },
): Collection<T> {
	const fail = async (error: unknown): Promise<never> => {
		throw isDuplicateKey(error) ? new DuplicateKeyError(name) : await translate(error);
	};
	async function run<R>(operation: Operation, task: () => Promise<R>): Promise<R> {
		const { observer } = slot;
		const begun = observer?.begin(operation);
		try {
			const result = await task();
			observer?.end(operation, begun);
			return result;
		} catch (error) {
			// An insert that a unique index refuses is no failure of the store.
			observer?.end(operation, begun, operation === 'insertOne' && isDuplicateKey(error) ? undefined : error);
			return fail(error);
		}
	}
	async function findOne<F>(filter: unknown, options?: FindOptions): Promise<F | null> {
		checkFindOptions(options);
		const query = queryOf(filter);
		return run('findOne', () => backend.findOne(query, options) as Promise<F | null>);
	}
	const reports = new OrderedReports((id) => findOne<Document>({ _id: id }));
	const write = <R>(operation: Operation, options: WriteOptions | undefined, task: (report?: Report) => Promise<R>) =>
		run(operation, () =>
			gate(() => {
				const announceWritten = announce(options);
				if (!announceWritten) return task();
				if (!backend.reportsInOrder) return reports.run(announceWritten, task);
				return task((written) => reports.reportNewest(written, announceWritten));
			}),
		);
	const update = async (multi: boolean, filter: unknown, changes: unknown, options?: WriteOptions) => {
		const query = queryOf(filter);
		const checked = checkUpdate(changes);
		const operation = multi ? 'updateMany' : 'updateOne';
		return { matchedCount: await write(operation, options, (report) => backend.update(query, checked, multi, report)) };
	};
	const remove = async (multi: boolean, filter: unknown, options?: WriteOptions) => {
		const query = queryOf(filter);
		const operation = multi ? 'deleteMany' : 'deleteOne';
		return { deletedCount: await write(operation, options, (report) => backend.remove(query, multi, report)) };
	};

	/** Reads the documents of a query. Only the time to the first one is observed: a client may read the others slowly. */
	async function* iterate(found: AsyncIterable<T>): AsyncGenerator<T> {
		const documents = found[Symbol.asyncIterator]();
		try {
			let next = await run('find', () => documents.next());
			while (!next.done) {
				yield next.value;
				next = await documents.next().catch(fail);
			}
		} finally {
			await documents.return?.();
		}
	}

	return {
		findOne,
		find(filter, options) {
			checkFindOptions(options);
			const documents = backend.find(queryOf(filter), options) as AsyncIterable<T>;
			return {
				toArray: () => run('find', () => arrayOf(documents)),
				[Symbol.asyncIterator]: () => iterate(documents),
			};
		},
		async countDocuments(filter) {
			const query = queryOf(filter);
			return run('countDocuments', () => backend.count(query));
		},
		insertOne: async (document, options) => {
			const stored = checkedDocument(document);
			return write('insertOne', options, (report) => backend.insert(stored, report));
		},
		updateOne: (filter, changes, options) => update(false, filter, changes, options),
		updateMany: (filter, changes, options) => update(true, filter, changes, options),
		findOneAndUpdate: async (filter, changes, options) => {
			const query = queryOf(filter);
			const checked = checkUpdate(changes);
			checkFindOptions({ projection: options.projection });
			const task = (report?: Report) => backend.updateReturning(query, checked, options, report);
			const found = await write('findOneAndUpdate', options, task);
			if (found !== null) slot.observer?.onFindOneAndUpdate(changes);
			return found as T | null;
		},
		deleteOne: (filter, options) => remove(false, filter, options),
		deleteMany: (filter, options) => remove(true, filter, options),
		async announce(action: Change['action'], document, options) {
			const announceWritten = announce(options);
			const written = { action, id: document._id, ...(action === 'removed' && { before: document as Document }) };
			if (announceWritten) await reports.run(announceWritten, () => reports.reportStored(written, announceWritten));
		},
	};
}

function queryOf(filter: unknown): Query {
	return { filter: filter as Fields, matches: compile(filter) };
}

async function arrayOf<T>(documents: AsyncIterable<T>): Promise<T[]> {
	const array: T[] = [];
	for await (const document of documents) array.push(document);
	return array;
}
