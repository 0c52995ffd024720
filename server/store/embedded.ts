/** The collections of the embedded store: nedb, behind the shared collection type. */
import Nedb from '@seald-io/nedb';
import type { Collection, Cursor, Filter, FindOptions, UpdateFilter } from '../../shared/store.js';
import { buildStore, type CollectionName, type OpenStore } from './collections.js';
import { StoreError } from './failure.js';
import { toNedb } from './filter.js';
import { guard } from './guard.js';
import { indexes } from './indexes.js';
import { projector } from './projection.js';
import type { Update } from './update.js';
import { type Fields, ownDates } from './values.js';
import { oneAtATime, type Write } from './write.js';

/** The class itself: the package's types take its CommonJS export for a default export. */
export const Datastore = Nedb as unknown as typeof Nedb.default;
export type Datastore = InstanceType<typeof Datastore>;

/** A store in memory, gone with the process. */
export async function openMemory(): Promise<OpenStore> {
	const closed = { yet: false };
	const write = oneAtATime();
	const store = await buildStore(async (name) => {
		const db = new Datastore({ inMemoryOnly: true });
		await ensureIndexes(db, name);
		return embedded(db, name, async (task) => {
			if (closed.yet) throw new StoreError('unusable', 'The store is closed.');
			return write(task);
		});
	});
	return {
		store,
		close: async () => {
			closed.yet = true;
			await write(async () => {});
		},
	};
}

/**
 * Builds the indexes of a collection.
 *
 * @throws StoreError `damaged` where the documents already there do not fit
 */
export async function ensureIndexes(db: Datastore, name: CollectionName): Promise<void> {
	for (const { fields, unique, sparse } of indexes[name] ?? []) {
		await db.ensureIndexAsync({ fieldName: [...fields], unique, sparse }).catch((error) => {
			if (error.errorType !== 'uniqueViolated') throw error;
			// nedb's own message shows the value.
			throw new StoreError('damaged', `Two documents of ${name} have the same ${fields.join(' and ')}.`);
		});
	}
}

/**
 * A collection on a loaded nedb.
 *
 * @param write runs every change: one at a time, ended when it is stored
 */
export function embedded<T extends { _id: string }>(db: Datastore, name: CollectionName, write: Write): Collection<T> {
	async function read(filter: Filter<T>, options: FindOptions = {}): Promise<T[]> {
		const project = projector(options.projection);
		const cursor = db.findAsync<Fields>(filter);
		if (options.sort) cursor.sort(options.sort);
		if (options.skip) cursor.skip(options.skip);
		if (options.limit) cursor.limit(options.limit);
		const documents = (await cursor.execAsync()) as unknown as Fields[];
		for (const document of documents) ownDates(document);
		return documents.map(project) as T[];
	}

	async function update(filter: Filter<T>, changes: UpdateFilter<T>, multi: boolean): Promise<number> {
		if (!('$pull' in changes)) return (await db.updateAsync(filter, changes, { multi })).numAffected;
		// nedb refuses to pull from a field that is not there, so each document gets what concerns it.
		const found = await read(filter, { limit: multi ? 0 : 1 });
		for (const document of found)
			await db.updateAsync({ _id: document._id }, withoutMissing(changes as Update, document), {});
		return found.length;
	}

	const raw: Collection<T> = {
		findOne: async (filter, options) => (await read(filter, { ...options, limit: 1 }))[0] ?? null,
		find: (filter, options) => cursor(() => read(filter, options)),
		countDocuments: async (filter) => Number(await db.countAsync(filter).execAsync()),
		insertOne: (document) => write(() => db.insertAsync(document)),
		updateOne: (filter, changes) => write(async () => ({ matchedCount: await update(filter, changes, false) })),
		updateMany: (filter, changes) => write(async () => ({ matchedCount: await update(filter, changes, true) })),
		findOneAndUpdate: (filter, changes, { projection }) =>
			write(async () => {
				// Three steps that no other write comes between.
				const [found] = await read(filter, { limit: 1, projection: { _id: 1 } });
				if (!found) return null;
				const same = { _id: found._id } as Filter<T>;
				await update(same, changes, false);
				return (await read(same, projection ? { projection } : {}))[0] ?? null;
			}),
		deleteOne: (filter) => write(async () => ({ deletedCount: await db.removeAsync(filter, {}) })),
		deleteMany: (filter) => write(async () => ({ deletedCount: await db.removeAsync(filter, { multi: true }) })),
	};
	return guard(raw, name, toNedb);
}

function withoutMissing({ $pull = {}, ...changes }: Update, document: Fields): Update {
	const there = Object.entries($pull).filter(([path]) => valueAt(document, path) !== undefined);
	return { ...changes, $pull: Object.fromEntries(there) };
}

function valueAt(document: Fields, path: string): unknown {
	let value: unknown = document;
	for (const part of path.split('.')) value = (value as Fields | null | undefined)?.[part];
	return value;
}

function cursor<T>(read: () => Promise<T[]>): Cursor<T> {
	return {
		toArray: read,
		async *[Symbol.asyncIterator]() {
			yield* await read();
		},
	};
}
