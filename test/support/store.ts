/** A store of its own for each test: in memory, or in the MongoDB that `ROOMKEY_TEST_MONGO_URL` names. */
import { MongoClient } from 'mongodb';
import { type OpenStore, openStore } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';
import { memoryLog } from './log.js';

export async function openTestStore(): Promise<OpenStore> {
	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (!server) return openStore({ kind: 'memory' }, memoryLog());
	const url = new URL(server);
	url.pathname = `/roomkey-test-${randomId()}`;
	const { store, close } = await openStore({ kind: 'mongodb', url: url.href }, memoryLog());
	return {
		store,
		async close() {
			await close();
			const client = new MongoClient(url.href);
			await client.db(url.pathname.slice(1)).dropDatabase();
			await client.close();
		},
	};
}
