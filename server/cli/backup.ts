/** Copies of a data folder: `roomkey backup` and `roomkey restore`. */
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { keepOwner, requireAccess } from '../dataFolder/access.js';
import { openDataFile } from '../dataFolder/environment.js';
import {
	assertIntact,
	DATA_FILE,
	explain,
	forOwnerOnly,
	holdsData,
	makeFolder,
	writeManifest,
} from '../dataFolder/manifest.js';
import { openFolder } from '../store/folder.js';

/**
 * Copies the state of a data folder at one moment. A server may write to the folder during the copy.
 *
 * @throws StoreError if there is no data, or the target is not empty
 */
export async function backupFolder(folder: string, target: string): Promise<void> {
	const path = resolve(folder);
	await assertHasData(path);
	// A backup that root makes stays root's, because it holds secrets.
	await createEmptyFolder(target, (path) => mkdir(path, { recursive: true, mode: 0o700 }));
	const readOnly = true;
	const environment = openDataFile(path, readOnly);
	try {
		const leaveOutFreeSpace = true;
		await forOwnerOnly(() => environment.backup(join(target, DATA_FILE), leaveOutFreeSpace));
	} finally {
		await environment.close();
	}
	keepOwner(join(target, DATA_FILE));
	await syncFile(join(target, DATA_FILE));
	// The manifest comes last: a copy without a manifest is recognized as incomplete.
	await writeManifest(target);
}

/**
 * Creates a data folder from a backup. If root runs this process, its files belong to the owner of the folder, and a new
 * folder belongs to the owner of the folder that it is in.
 *
 * @throws StoreError if the backup is incomplete, or the folder is not empty
 */
export async function restoreFolder(backup: string, folder: string): Promise<void> {
	await assertHasData(resolve(backup));
	await createEmptyFolder(folder, makeFolder);
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
	requireAccess(join(path, DATA_FILE), constants.R_OK);
}

/** Creates a folder with `create`, or accepts an empty one. @throws StoreError if the folder has files */
async function createEmptyFolder(folder: string, create: (path: string) => Promise<unknown>): Promise<void> {
	const path = resolve(folder);
	let names: string[];
	try {
		await create(path);
		names = await readdir(path);
	} catch (error) {
		throw explain(error, path);
	}
	if (names.length > 0) throw new StoreError('unusable', `The folder ${folder} is not empty. Choose a new one.`);
}

/** Flushes a file to the disk. */
async function syncFile(path: string): Promise<void> {
	const file = await open(path, 'r+');
	await file.sync().finally(() => file.close());
}
