/** A store of its own for each test. */
import { MongoClient } from 'mongodb';
import type { OpenStore } from '../../server/store/collections.js';
import { openStore } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';
import { memoryLog } from './log.js';

export type { OpenStore };

/**
 * An empty store that is gone when it is closed: in memory, or on the MongoDB at `ROOMKEY_TEST_MONGO_URL` in a database
 * of its own.
 */
export async function openTestStore(): Promise<OpenStore> {
	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (!server) return openStore({ kind: 'memory' }, memoryLog());
	const url = new URL(server);
	url.pathname = `/roomkey-test-${randomId()}`;
	const { store, close } = await openStore({ kind: 'mongodb', url: url.href }, memoryLog());
	return {
		store,
		close: async () => {
			await close();
			const client = await MongoClient.connect(url.href);
			await client.db(url.pathname.slice(1)).dropDatabase();
			await client.close();
		},
	};
}

/** An empty store for each test of the suite it is called in. */
export function eachTestWithStore(): OpenStore {
	let open: OpenStore;
	beforeEach(async () => {
		open = await openTestStore();
	});
	afterEach(() => open.close());
	return {
		get store() {
			return open.store;
		},
		close: () => open.close(),
	};
}
