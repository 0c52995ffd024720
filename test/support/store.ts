/** A store for a test, and what the store tests share. */
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { OpenStore } from '../../server/store/collections.js';
import type { StoreLog } from '../../server/store/log.js';
import { openStore } from '../../server/store/open.js';

export type { OpenStore };

/** A log that nobody reads. */
export const silent: StoreLog = { warn: () => {}, info: () => {} };

/**
 * An empty store that is gone when it is closed: in memory, or on the MongoDB at `ROOMKEY_TEST_MONGO_URL` in a database
 * of its own.
 */
export async function openTestStore(): Promise<OpenStore> {
	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (!server) return openStore({ kind: 'memory' }, silent);
	const url = new URL(server);
	url.pathname = `/roomkey-test-${randomBytes(6).toString('hex')}`;
	const { store, close } = await openStore({ kind: 'mongodb', url: url.href }, silent);
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

/** What a promise rejects with; fails where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
	try {
		await promise;
	} catch (error) {
		return error as Error;
	}
	throw new Error('should have been rejected');
}
