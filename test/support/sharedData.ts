/** Data that several processes share: a folder, or a database of the MongoDB at `ROOMKEY_TEST_MONGO_URL`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { StoreChoice } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';

export interface SharedData {
	/** With this, the test itself opens the store. */
	readonly choice: StoreChoice;
	/** Arguments of a process that opens the store. With MongoDB, the process also needs the variables in `env`. */
	readonly args: readonly string[];
	readonly env?: NodeJS.ProcessEnv;
	remove(): Promise<void>;
}

async function newFolder(): Promise<SharedData> {
	const folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
	return {
		choice: { kind: 'files', folder, shared: true },
		args: ['--data', folder],
		remove: () => rm(folder, { recursive: true, force: true }),
	};
}

/** Names a new database, which the first write creates. @param server address of a MongoDB */
export async function newDatabase(server: string): Promise<SharedData> {
	const url = new URL(server);
	url.pathname = `/roomkey-test-${randomId()}`;
	return {
		choice: { kind: 'mongodb', url: url.href },
		args: [],
		env: { MONGO_URL: url.href },
		async remove() {
			const client = await MongoClient.connect(url.href);
			await client.db(url.pathname.slice(1)).dropDatabase();
			await client.close();
		},
	};
}

const server = process.env.ROOMKEY_TEST_MONGO_URL;
const kinds: Readonly<Record<string, () => Promise<SharedData>>> = {
	'one data folder': newFolder,
	...(server && { 'one MongoDB': () => newDatabase(server) }),
};

/** Defines a suite for a folder, and one for MongoDB if `ROOMKEY_TEST_MONGO_URL` is set. */
export function eachSharedData(title: string, define: (newData: () => Promise<SharedData>) => void): void {
	for (const [kind, newData] of Object.entries(kinds)) describe(`${title} on ${kind}`, () => define(newData));
}
