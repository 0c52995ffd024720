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

/**
 * Wraps a backend as the collection that methods use.
 *
 * @param name name of the collection, for messages
 */
export function collection<T extends { _id: string }>(
	backend: Backend,
	name: string,
	gate: WriteGate,
	announce: Announce,
	translate: Translate,
): Collection<T> {
	async function write<R>(options: WriteOptions | undefined, task: (report?: Report) => Promise<R>): Promise<R> {
		try {
			return await gate(() => task(announce(options)));
		} catch (error) {
			throw isDuplicate(error) ? new DuplicateKeyError(name) : await translate(error);
		}
	}
	const rethrow = async (error: unknown): Promise<never> => Promise.reject(await translate(error));
	const update = async (filter: unknown, changes: unknown, multi: boolean, options?: WriteOptions) => {
		const query = queryOf(filter);
		const checked = checkUpdate(changes);
		return { matchedCount: await write(options, (report) => backend.update(query, checked, multi, report)) };
	};
	const remove = async (filter: unknown, multi: boolean, options?: WriteOptions) => {
		const query = queryOf(filter);
		return { deletedCount: await write(options, (report) => backend.remove(query, multi, report)) };
	};

	return {
		findOne: async (filter, options) => {
			checkFindOptions(options);
			return (await backend.findOne(queryOf(filter), options).catch(rethrow)) as T | null;
		},
		find(filter, options) {
			checkFindOptions(options);
			const documents = backend.find(queryOf(filter), options) as AsyncIterable<T>;
			return {
				toArray: () => arrayOf(documents).catch(rethrow),
				async *[Symbol.asyncIterator]() {
					try {
						yield* documents;
					} catch (error) {
						throw await translate(error);
					}
				},
			};
		},
		countDocuments: async (filter) => backend.count(queryOf(filter)).catch(rethrow),
		insertOne: async (document, options) => {
			const stored = checkedDocument(document);
			return write(options, (report) => backend.insert(stored, report));
		},
		updateOne: (filter, changes, options) => update(filter, changes, false, options),
		updateMany: (filter, changes, options) => update(filter, changes, true, options),
		findOneAndUpdate: async (filter, changes, options) => {
			const query = queryOf(filter);
			const checked = checkUpdate(changes);
			checkFindOptions({ projection: options.projection });
			const document = write(options, (report) => backend.updateReturning(query, checked, options, report));
			return (await document) as T | null;
		},
		deleteOne: (filter, options) => remove(filter, false, options),
		deleteMany: (filter, options) => remove(filter, true, options),
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

/** Checks and copies a new document. */
function checkedDocument(document: { _id: string }): Document {
	if (!isId(document._id)) throw new TypeError('A document needs an _id, a string of 1 to 512 bytes');
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
