/** The store in MongoDB, on the collections Rocket.Chat has. */
import { MongoClient, type Collection as MongoCollection } from 'mongodb';
import type { Log } from '../../shared/log.js';
import type { Collection } from '../../shared/store.js';
import { type CollectionDescription, storeOf } from './collections.js';
import { StoreError } from './failure.js';
import { guard } from './guard.js';
import type { OpenStore } from './open.js';

/** Rocket.Chat's own, for an address that names no database. */
const DEFAULT_DATABASE = 'rocketchat';

/** How long the database has to answer at start, in ms. */
const PATIENCE = 10_000;

/** Answers of MongoDB to an index that is there already under another name or with other options. */
const OTHER_INDEX_EXISTS = [85, 86];

type Documents = MongoCollection<{ _id: string }>;

async function addIndexes(collection: Documents, { name, indexes }: CollectionDescription, log: Log): Promise<void> {
	for (const { fields, unique = false, sparse = false } of indexes) {
		try {
			await collection.createIndex(Object.fromEntries(fields.map((field) => [field, 1])), { unique, sparse });
		} catch (error) {
			// A database of Rocket.Chat has its own, and they serve.
			if (!OTHER_INDEX_EXISTS.includes((error as { code?: number }).code ?? 0)) throw error;
			log.warn({ collection: name, fields }, 'There is another index on these fields; it is left as it is');
		}
	}
}

/** An address without its password. */
function withoutPassword(url: string): string {
	return url.replace(/\/\/.*@/, '//');
}

/**
 * Opens the store at a `mongodb://` address.
 * @throws StoreError `unreachable`
 */
export async function openMongo(url: string, log: Log): Promise<OpenStore> {
	let client: MongoClient | undefined;
	try {
		client = new MongoClient(url, {
			writeConcern: { w: 'majority' },
			retryWrites: true,
			serverSelectionTimeoutMS: PATIENCE,
			appName: 'roomkey',
		});
		await client.connect();
		const named = new URL(url.replace(/^mongodb(\+srv)?:\/\/[^/?]*/, 'http://x')).pathname.slice(1);
		const database = client.db(named || DEFAULT_DATABASE);
		const store = await storeOf(async (description) => {
			const collection = database.collection<{ _id: string }>(description.name);
			await addIndexes(collection, description, log);
			return guard(collection as unknown as Collection<{ _id: string }>);
		});
		const opened = client;
		return { store, close: () => opened.close() };
	} catch (cause) {
		await client?.close();
		const message = (cause as Error).message;
		throw new StoreError('unreachable', `No MongoDB at ${withoutPassword(url)}: ${message}`, { cause });
	}
}
