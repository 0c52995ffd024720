/** Copies of a data folder: `roomkey backup` and `roomkey restore`. */
import { copyFile, mkdir, open, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { openEnvironment } from '../dataFolder/environment.js';
import { assertIntact, DATA_FILE, forOwnerOnly, holdsData, writeManifest } from '../dataFolder/manifest.js';
import { openFolder } from '../store/folder.js';

/**
 * Copies the state of a data folder at one moment. A server may write to the folder during the copy.
 *
 * @throws StoreError if there is no data, or the target is not empty
 */
export async function backupFolder(folder: string, target: string): Promise<void> {
	const path = resolve(folder);
	await assertHasData(path);
	await createEmptyFolder(target);
	const readOnly = true;
	const environment = openEnvironment(join(path, DATA_FILE), readOnly);
	try {
		const leaveOutFreeSpace = true;
		await forOwnerOnly(() => environment.backup(join(target, DATA_FILE), leaveOutFreeSpace));
	} finally {
		await environment.close();
	}
	await syncFile(join(target, DATA_FILE));
	// The manifest comes last: a copy without a manifest is recognized as incomplete.
	await writeManifest(target);
}

/**
 * Creates a data folder from a backup.
 *
 * @throws StoreError if the backup is incomplete, or the folder is not empty
 */
export async function restoreFolder(backup: string, folder: string): Promise<void> {
	await assertHasData(resolve(backup));
	await createEmptyFolder(folder);
	await copyFile(join(backup, DATA_FILE), join(folder, DATA_FILE));
	await syncFile(join(folder, DATA_FILE));
	await writeManifest(folder);
	// Opening the folder shows that a server can use it.
	const opened = await openFolder(folder);
	await opened.close();
}

/** @throws StoreError if a folder has no data, or if a part of the data is missing */
async function assertHasData(path: string): Promise<void> {
	if (!holdsData(path)) throw new StoreError('unusable', `The folder ${path} holds no data of Roomkey.`);
	await assertIntact(path);
}

/** Creates a folder, or accepts an empty one. @throws StoreError if the folder has files */
async function createEmptyFolder(path: string): Promise<void> {
	await mkdir(path, { recursive: true, mode: 0o700 });
	if ((await readdir(path)).length > 0)
		throw new StoreError('unusable', `The folder ${path} is not empty. Choose a new one.`);
}

/** Flushes a file to the disk. */
async function syncFile(path: string): Promise<void> {
	const file = await open(path, 'r+');
	await file.sync().finally(() => file.close());
}
