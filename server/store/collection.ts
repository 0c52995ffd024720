/**
 * The rules that the collections of all stores share. They accept only the common query language. Every write sets
 * `_updatedAt` and is announced. A violated unique index gives a `DuplicateKeyError`, which does not contain the value.
 */
import type { Change, Collection, FindOptions, Projection, WriteOptions } from '../../shared/store.js';
import { DuplicateKeyError } from '../../shared/storeErrors.js';
import { copyStorable, type Document, type Fields, isId } from '../../shared/values.js';
import { checkFindOptions } from '../query/findOptions.js';
import { compile, type Matcher } from '../query/match.js';
import { checkUpdate, type Update } from '../query/update.js';
import type { CollectionObserver, Operation } from './storeObserver.js';

/** A checked filter, and its compiled function. */
export interface Query {
	readonly filter: Fields;
	readonly matches: Matcher;
}

/** One written document. Its states before and after the write are there if they are known; receivers must not change them. */
export interface Written {
	readonly action: 'inserted' | 'updated' | 'removed';
	readonly id: string;
	readonly before?: Document;
	readonly after?: Document;
}

/** Receives each written document after it is stored. */
export type Report = (written: Written) => void;

/** How a store reads and writes one collection. Its arguments have been checked and copied. */
export interface Backend {
	find(query: Query, options?: FindOptions): AsyncIterable<Fields>;
	findOne(query: Query, options?: FindOptions): Promise<Fields | null>;
	count(query: Query): Promise<number>;
	insert(document: Document, report?: Report): Promise<unknown>;
	/** @param multi whether all matching documents are updated, or only one. @returns the number of matched documents */
	update(query: Query, update: Update, multi: boolean, report?: Report): Promise<number>;
	updateReturning(query: Query, update: Update, options: Returning, report?: Report): Promise<Fields | null>;
	/** @param multi whether all matching documents are removed, or only one. @returns the number of removed documents */
	remove(query: Query, multi: boolean, report?: Report): Promise<number>;
}

/** Which state of the document `updateReturning` returns, and which of its fields. */
export interface Returning {
	readonly returnDocument: 'before' | 'after';
	readonly projection?: Projection | undefined;
}

/** Returns the function that announces a write; undefined if the write is silent or there is no listener. */
export type Announce = (options: WriteOptions | undefined) => Report | undefined;

/** Runs a write, and rejects if the store is closed. `close` of the store waits for running writes. */
export type WriteGate = <R>(task: () => Promise<R>) => Promise<R>;

/** Converts an error of the backend to the error for callers. */
export type Translate = (error: unknown) => unknown;

/** Holds the observer of a collection. The observer is undefined until the store is observed. */
export interface ObserverSlot {
	observer: CollectionObserver | undefined;
}

/**
 * Wraps a backend as the collection that methods use.
 *
 * @param name name of the collection, for messages
 * @param slot the observer in it receives every operation
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
		throw isDuplicate(error) ? new DuplicateKeyError(name) : await translate(error);
	};
	/** Runs an operation under observation. */
	async function run<R>(operation: Operation, task: () => Promise<R>): Promise<R> {
		const { observer } = slot;
		const begun = observer?.begin(operation);
		try {
			const result = await task();
			observer?.end(operation, begun);
			return result;
		} catch (error) {
			// An insert that a unique index refuses is no failure of the store.
			observer?.end(operation, begun, operation === 'insertOne' && isDuplicate(error) ? undefined : error);
			return fail(error);
		}
	}
	const write = <R>(operation: Operation, options: WriteOptions | undefined, task: (report?: Report) => Promise<R>) =>
		run(operation, () => gate(() => task(announce(options))));
	const update = async (
		operation: 'updateOne' | 'updateMany',
		filter: unknown,
		changes: unknown,
		options?: WriteOptions,
	) => {
		const query = queryOf(filter);
		const checked = checkUpdate(changes);
		const multi = operation === 'updateMany';
		return { matchedCount: await write(operation, options, (report) => backend.update(query, checked, multi, report)) };
	};
	const remove = async (operation: 'deleteOne' | 'deleteMany', filter: unknown, options?: WriteOptions) => {
		const query = queryOf(filter);
		const multi = operation === 'deleteMany';
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
		async findOne(filter, options) {
			checkFindOptions(options);
			const query = queryOf(filter);
			return run('findOne', () => backend.findOne(query, options) as Promise<T | null>);
		},
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
		updateOne: (filter, changes, options) => update('updateOne', filter, changes, options),
		updateMany: (filter, changes, options) => update('updateMany', filter, changes, options),
		findOneAndUpdate: async (filter, changes, options) => {
			const query = queryOf(filter);
			const checked = checkUpdate(changes);
			checkFindOptions({ projection: options.projection });
			const task = (report?: Report) => backend.updateReturning(query, checked, options, report);
			const found = await write('findOneAndUpdate', options, task);
			if (found !== null) slot.observer?.onFindOneAndUpdate(changes);
			return found as T | null;
		},
		deleteOne: (filter, options) => remove('deleteOne', filter, options),
		deleteMany: (filter, options) => remove('deleteMany', filter, options),
		async announce(action: Change['action'], document, options) {
			const state = document as Document;
			const states = action === 'removed' ? { before: state } : { after: state };
			announce(options)?.({ action, id: document._id, ...states });
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

/** Checks and copies a new document. @throws TypeError */
export function checkedDocument(document: { _id: string }): Document {
	if (!isId(document._id))
		throw new TypeError('A document needs an _id, a string of 1 to 512 bytes, such as crypto.randomUUID()');
	const stored = copyStorable(document, 'document') as Document;
	return '_updatedAt' in stored ? stored : { _updatedAt: new Date(), ...stored };
}

/**
 * Whether an error is a unique index violation. The embedded store and MongoDB use the code 11000. FerretDB 2.7 returns
 * code 1 with PostgreSQL's text for `findOneAndUpdate`.
 */
function isDuplicate(error: unknown): boolean {
	const { code, message } = error as { code?: unknown; message?: unknown };
	return code === 11000 || (code === 1 && /violates (exclusion|unique) constraint/.test(String(message)));
}
