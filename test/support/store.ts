/** Opens empty stores for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenStore } from '../../server/store/collections.js';
import { openStore } from '../../server/store/open.js';
import { memoryLog } from './log.js';
import { newDatabase } from './sharedData.js';

export type { OpenStore };

/**
 * Opens an empty store in memory, or in a new database of the MongoDB at `ROOMKEY_TEST_MONGO_URL`. Closing the store
 * removes its data.
 */
export async function openTestStore(): Promise<OpenStore> {
	const server = process.env.ROOMKEY_TEST_MONGO_URL;
	if (!server) return openStore({ kind: 'memory' }, memoryLog());
	const { choice, remove } = await newDatabase(server);
	const { close, ...opened } = await openStore(choice, memoryLog());
	return {
		...opened,
		close: async () => {
			await close();
			await remove();
		},
	};
}

async function openFilesStore(): Promise<OpenStore> {
	const folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
	const { close, ...opened } = await openStore({ kind: 'files', folder }, memoryLog());
	return {
		...opened,
		close: async () => {
			await close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Gives each test of the calling suite an empty store. */
export function eachTestWithStore(openOne: () => Promise<OpenStore> = openTestStore): OpenStore {
	let opened: OpenStore;
	beforeEach(async () => {
		opened = await openOne();
	});
	afterEach(() => opened.close());
	return {
		get store() {
			return opened.store;
		},
		onChange: (listener) => opened.onChange(listener),
		observe: (observer) => opened.observe(observer),
		close: () => opened.close(),
	};
}

/**
 * Defines a suite for each kind of store: memory and files, or MongoDB if `ROOMKEY_TEST_MONGO_URL` is set.
 * Each test has an empty store.
 */
export function eachStore(title: string, define: (test: OpenStore) => void): void {
	const kinds = process.env.ROOMKEY_TEST_MONGO_URL
		? { MongoDB: openTestStore }
		: { memory: openTestStore, files: openFilesStore };
	for (const [kind, openOne] of Object.entries(kinds))
		describe(`${title} (${kind})`, () => define(eachTestWithStore(openOne)));
}
