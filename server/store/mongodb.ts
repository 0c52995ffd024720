/** The store on MongoDB: the official driver, on Rocket.Chat's own collections. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Collection as DriverCollection, MongoClient } from 'mongodb';
import type { Log } from '../../shared/log.js';
import type { Collection, Filter } from '../../shared/store.js';
import { buildStore, type CollectionName, type OpenStore } from './collections.js';
import { reasonOf, StoreError } from './failure.js';
import { toNedb } from './filter.js';
import { guard } from './guard.js';
import { indexes } from './indexes.js';
import { reportingUnavailable } from './unavailable.js';
import { openGate } from './write.js';

/** The database where the address names none, as in Rocket.Chat's own set-ups. */
const DATABASE = 'rocketchat';

/** How long a start waits for a server that does not answer, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Connects to the database a `mongodb://` address names and sees to its indexes.
 *
 * @throws StoreError `unreachable` or `unusable`; no message holds the password of the address
 */
export async function openMongo(url: string, log: Log): Promise<OpenStore> {
	const client = connectTo(url);
	try {
		await client.connect();
	} catch (error) {
		await client.close();
		throw new StoreError('unreachable', withoutSecrets(`MongoDB at ${hosts(url)}: ${reasonOf(error)}.`, url));
	}
	const gate = openGate();
	try {
		const db = client.db(databaseOf(url));
		const store = await buildStore(async <T extends { _id: string }>(name: CollectionName) => {
			const collection = db.collection<T>(name);
			await ensureIndexes(collection, name, log);
			// The driver takes and gives what the shared type says; its own types say more.
			const ours = deletingForGood(reportingUnavailable(collection as unknown as Collection<T>));
			return guard<T>(ours, name, check, (task) => gate.pass(() => persist(task)));
		});
		return {
			store,
			close: async () => {
				// The driver would break off what still runs.
				await gate.close();
				await client.close();
			},
		};
	} catch (error) {
		await client.close();
		throw error;
	}
}

/** How often a write is tried before its deadlock counts as a failure. */
const TRIES = 7;

/**
 * Repeats a write that was broken off, and undone, to end a deadlock. MongoDB does so itself; FerretDB 2.7 passes on what
 * PostgreSQL says when several writes at once meet in a unique index.
 */
async function persist<R>(task: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await task();
		} catch (error) {
			if (tries === TRIES || !/deadlock detected/.test(reasonOf(error))) throw error;
			// Not all at once again, also where the server is so busy that each takes long.
			await delay(Math.random() * 100 * 2 ** tries);
		}
	}
}

/**
 * The collection with deletions that are repeated while something still matches: FerretDB 2.7 passes over a document that
 * is written at that very moment. A deletion that deleted what it could ends with one look more.
 */
function deletingForGood<T extends { _id: string }>(collection: Collection<T>): Collection<T> {
	const isLeft = async (filter: Filter<T>) => (await collection.findOne(filter, { projection: { _id: 1 } })) !== null;
	return {
		findOne: (filter, options) => collection.findOne(filter, options),
		find: (filter, options) => collection.find(filter, options),
		countDocuments: (filter) => collection.countDocuments(filter),
		insertOne: (document) => collection.insertOne(document),
		updateOne: (filter, update) => collection.updateOne(filter, update),
		updateMany: (filter, update) => collection.updateMany(filter, update),
		findOneAndUpdate: (filter, update, options) => collection.findOneAndUpdate(filter, update, options),
		async deleteOne(filter) {
			for (;;) {
				const { deletedCount } = await collection.deleteOne(filter);
				if (deletedCount > 0 || !(await isLeft(filter))) return { deletedCount };
			}
		},
		async deleteMany(filter) {
			let deletedCount = 0;
			do deletedCount += (await collection.deleteMany(filter)).deletedCount;
			while (await isLeft(filter));
			return { deletedCount };
		},
	};
}

/** Filters go to MongoDB as they are, once they have passed. */
function check(filter: Record<string, unknown>): Record<string, unknown> {
	toNedb(filter);
	return filter;
}

function connectTo(url: string): MongoClient {
	try {
		return new MongoClient(url, {
			appName: 'roomkey',
			writeConcern: { w: 'majority' },
			ignoreUndefined: false,
			// What the address says itself goes first.
			...(/[?&]serverSelectionTimeoutMS=/i.test(url) ? {} : { serverSelectionTimeoutMS: PATIENCE }),
		});
	} catch {
		// The driver's message may quote the address, and the password with it.
		throw new StoreError(
			'unreachable',
			'The address of MongoDB cannot be understood. It looks like mongodb://user:password@host:27017/database, with special characters of the password percent-encoded.',
		);
	}
}

async function ensureIndexes<T extends { _id: string }>(
	collection: DriverCollection<T>,
	name: CollectionName,
	log: Log,
): Promise<void> {
	for (const { fields, unique, sparse, partial, embeddedOnly } of indexes[name] ?? []) {
		if (embeddedOnly) continue;
		const keys = Object.fromEntries(fields.map((field) => [field, 1 as const]));
		const partialFilterExpression = Object.fromEntries(fields.map((field) => [field, { $exists: true }]));
		try {
			await collection.createIndex(keys, { unique, ...(partial ? { partialFilterExpression } : { sparse }) });
		} catch (error) {
			const { code } = error as { code?: unknown };
			const what = `${fields.join(', ')} of ${name}`;
			// IndexOptionsConflict, IndexKeySpecsConflict: Rocket.Chat or its owner made another one there.
			if (code === 85 || code === 86) log.warn({ collection: name, fields }, `Left another index on ${what} in place`);
			else if (code === 11000) throw new StoreError('unusable', `No unique index on ${what}: a value is there twice.`);
			else throw new StoreError('unusable', `No index on ${what}: ${reasonOf(error)}.`, { cause: error });
		}
	}
}

/** The parts of an address. A password holds no slash: it would be percent-encoded. */
function parts(url: string): { login?: string; hosts?: string; database?: string } {
	return (
		/^mongodb(?:\+srv)?:\/\/(?:(?<login>[^/]*)@)?(?<hosts>[^/?]*)(?:\/(?<database>[^?]*))?/.exec(url)?.groups ?? {}
	);
}

const hosts = (url: string) => parts(url).hosts ?? 'an unknown host';

const databaseOf = (url: string) => decodeURIComponent(parts(url).database || DATABASE);

/** A driver's message without the login of the address, encoded or not. */
function withoutSecrets(message: string, url: string): string {
	const password = parts(url).login?.split(':').slice(1).join(':');
	if (!password) return message;
	return message.replaceAll(password, '***').replaceAll(decodeURIComponent(password), '***');
}
