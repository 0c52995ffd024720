/** The collections of the embedded store: nedb, behind the shared collection type. */
import type { Collection, Cursor, Filter, FindOptions, UpdateFilter } from '../../shared/store.js';
import { buildStore, type CollectionName, type OpenStore } from './collections.js';
import { StoreError } from './failure.js';
import { toNedb } from './filter.js';
import { fitUpdate, needsFit } from './fit.js';
import { guard } from './guard.js';
import { useHashIndexes } from './hash-index.js';
import { indexes } from './indexes.js';
import { Datastore } from './nedb.js';
import { projector } from './projection.js';
import { scan } from './scan.js';
import type { Update } from './update.js';
import type { Fields } from './values.js';
import { oneAtATime, openGate, type Write } from './write.js';

/** A store in memory, gone with the process. */
export async function openMemory(): Promise<OpenStore> {
	const gate = openGate();
	const store = await buildStore(async (name) => {
		const db = new Datastore({ inMemoryOnly: true });
		await ensureIndexes(db, name);
		const queue = oneAtATime();
		return embedded(db, name, (task) => gate.pass(() => queue(task)));
	});
	return { store, close: gate.close };
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
	useHashIndexes(db);
}

/**
 * A collection on a loaded nedb.
 *
 * @param write runs one change at a time, as some take several steps that no other may come between
 */
export function embedded<T extends { _id: string }>(db: Datastore, name: CollectionName, write: Write): Collection<T> {
	async function read(filter: Filter<T>, options: FindOptions = {}): Promise<T[]> {
		return (await scan(db, filter as Fields, options, projector(options.projection))) as T[];
	}

	async function update(
		filter: Filter<T>,
		changes: UpdateFilter<T>,
		multi: boolean,
	): Promise<{ matchedCount: number }> {
		if (!needsFit(changes as Update)) {
			const { numAffected } = await db.updateAsync(filter, changes, { multi });
			return { matchedCount: numAffected };
		}
		const found = await read(filter, { limit: multi ? 0 : 1 });
		const fitted = found.map((document) => [document._id, fitUpdate(changes as Update, document)] as const);
		for (const [_id, change] of fitted) await db.updateAsync({ _id }, change, {});
		return { matchedCount: found.length };
	}

	const raw: Collection<T> = {
		findOne: async (filter, options) => (await read(filter, { ...options, limit: 1 }))[0] ?? null,
		find: (filter, options) => cursor(() => read(filter, options)),
		countDocuments: async (filter) => Number(await db.countAsync(filter).execAsync()),
		insertOne: (document) => db.insertAsync(document),
		updateOne: (filter, changes) => update(filter, changes, false),
		updateMany: (filter, changes) => update(filter, changes, true),
		findOneAndUpdate: async (filter, changes, { returnDocument, projection }) => {
			const [before] = await read(filter, { limit: 1 });
			if (!before) return null;
			const same = { _id: before._id } as Filter<T>;
			await update(same, changes, false);
			const answer = returnDocument === 'before' ? before : (await read(same))[0];
			return answer ? (projector(projection)(answer) as T) : null;
		},
		deleteOne: async (filter) => ({ deletedCount: await db.removeAsync(filter, {}) }),
		deleteMany: async (filter) => ({ deletedCount: await db.removeAsync(filter, { multi: true }) }),
	};
	return guard(raw, name, toNedb, write);
}

function cursor<T>(read: () => Promise<T[]>): Cursor<T> {
	return {
		toArray: read,
		async *[Symbol.asyncIterator]() {
			yield* await read();
		},
	};
}
