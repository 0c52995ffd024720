/** The embedded store in a folder: one file a collection, one process a folder. */
import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../../shared/log.js';
import { buildStore, type OpenStore } from './collections.js';
import { type Datafile, type Health, openDatafile, type SyncFile } from './datafile.js';
import { embedded } from './embedded.js';
import { reasonOf, StoreError } from './failure.js';
import { lockFolder } from './lock.js';
import { openGate } from './write.js';

/** Enough for a file that only grows: it brings the new length along with the data. */
const syncData: SyncFile = (file) => file.datasync();

/**
 * Opens the store in a folder and makes the folder if need be, for its owner's eyes only as it holds secrets.
 *
 * @param sync how a file gets onto the disk; another one is for tests
 * @throws StoreError `in-use`, `damaged` or `unusable`
 */
export async function openFiles(folder: string, log: Log, sync: SyncFile = syncData): Promise<OpenStore> {
	const path = resolve(folder);
	const opened: (() => Promise<void>)[] = [];
	const health: Health = {};
	const gate = openGate();
	let closing: Promise<void> | undefined;
	const close = async () => {
		await gate.close();
		// Files first, the lock last.
		for (const closeOne of opened.reverse()) await closeOne();
	};
	try {
		await makeFolder(path);
		opened.push(await lockFolder(path));
		const store = await buildStore(async (name) => {
			const file: Datafile = await openDatafile(join(path, `${name}.db`), name, health, sync, log);
			opened.push(file.close);
			return embedded(file.db, name, (task) => gate.pass(() => file.write(task)));
		});
		return {
			store,
			close: () => {
				closing ??= close();
				return closing;
			},
		};
	} catch (error) {
		await close();
		if (error instanceof StoreError) throw error;
		throw new StoreError('unusable', `The folder ${path} cannot be used: ${reasonOf(error)}.`, { cause: error });
	}
}

async function makeFolder(path: string): Promise<void> {
	const first = await mkdir(path, { recursive: true, mode: 0o700 });
	// Windows opens no folder, and keeps their entries by itself.
	if (first === undefined || process.platform === 'win32') return;
	const parent = await open(dirname(first), 'r');
	await parent.sync().finally(() => parent.close());
}
