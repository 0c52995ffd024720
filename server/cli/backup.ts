/** Copies of a data folder: `roomkey backup` and `roomkey restore`. */
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';
import { giveToOwnerOfFolder, requireAccess } from '../dataFolder/access.js';
import { openDataFile } from '../dataFolder/environment.js';
import {
	assertIntact,
	DATA_FILE,
	folderError,
	forOwnerOnly,
	makeFolder,
	requireDataIn,
	writeManifest,
} from '../dataFolder/manifest.js';
import { openFolder } from '../store/folder.js';
import { thenClose } from './closing.js';

/**
 * Copies the state of a data folder at one moment. A server may write to the folder during the copy.
 *
 * @throws StoreError if there is no data, or the target is not empty
 */
export async function backupFolder(folder: string, target: string): Promise<void> {
	const path = resolve(folder);
	await assertHasData(path);
	// A folder that root creates here belongs to root, because a backup holds secrets.
	await createEmptyFolder(target, (path) => mkdir(path, { recursive: true, mode: 0o700 }));
	const readOnly = true;
	const environment = await withFolderErrors(path, async () => openDataFile(path, readOnly));
	await thenClose(
		() =>
			copyInto(target, async (file) => {
				const leaveOutFreeSpace = true;
				await forOwnerOnly(() => environment.backup(file, leaveOutFreeSpace));
				giveToOwnerOfFolder(file);
			}),
		() => environment.close(),
	);
}

/**
 * Creates a data folder from a backup. If root restores, the files get the owner of the folder. A new folder gets the
 * owner of its parent.
 *
 * @throws StoreError if the backup is incomplete, or the folder is not empty
 */
export async function restoreFolder(backup: string, folder: string): Promise<void> {
	await assertHasData(resolve(backup));
	await createEmptyFolder(folder, makeFolder);
	await copyInto(folder, (file) => copyFile(join(backup, DATA_FILE), file));
	// Opening the folder shows that a server can use it.
	const opened = await openFolder(folder).catch((error) => {
		throw new StoreError('unusable', `${reasonOf(error)} Delete ${folder} before you restore into it again.`, {
			cause: error,
		});
	});
	await opened.close();
}

/** @throws StoreError if data is missing or cannot be read */
async function assertHasData(path: string): Promise<void> {
	requireDataIn(path);
	await withFolderErrors(path, () => assertIntact(path));
	requireAccess(join(path, DATA_FILE), constants.R_OK);
}

/** Creates a folder with `create`, or accepts an empty one. @throws StoreError if the folder has files */
async function createEmptyFolder(folder: string, create: (path: string) => Promise<unknown>): Promise<void> {
	const path = resolve(folder);
	const names = await withFolderErrors(path, async () => {
		await create(path);
		return readdir(path);
	});
	if (names.length > 0) throw new StoreError('unusable', `The folder ${folder} is not empty. Choose a new one.`);
}

async function copyInto(folder: string, copy: (file: string) => Promise<unknown>): Promise<void> {
	const file = join(folder, DATA_FILE);
	await withFolderErrors(folder, async () => {
		try {
			await copy(file);
			await syncFile(file);
			// The manifest comes last: a copy without a manifest is recognized as incomplete.
			await writeManifest(folder);
		} catch (error) {
			await rm(file, { force: true }).catch(() => {});
			throw error;
		}
	});
}

/** Converts the error of a task to a StoreError. */
async function withFolderErrors<R>(folder: string, task: () => Promise<R>): Promise<R> {
	try {
		return await task();
	} catch (error) {
		throw folderError(error, folder);
	}
}

async function syncFile(path: string): Promise<void> {
	const file = await open(path, 'r+');
	await file.sync().finally(() => file.close());
}
