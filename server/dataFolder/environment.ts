/** Opens the LMDB files of a data folder. LMDB calls an open file an environment; it contains databases with names. */
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../../shared/storeErrors.js';
import { deniedError, giveToOwnerOfFolder, isDenied, requireAccess } from './access.js';
import { DATA_FILE } from './manifest.js';

/** Maximum number of LMDB databases: one for each collection and each index, including those of the application. */
const MAX_DATABASES = 256;

/** An open LMDB file. */
export type Environment = RootDatabase<unknown, string>;

/**
 * Opens an LMDB file.
 *
 * Without `overlappingSync` LMDB flushes a transaction to the disk before the commit. So a transaction's promise resolves
 * when its writes are durable, and reads never return data that a crash could undo. Transactions that are requested during
 * a flush are flushed together.
 *
 * @throws StoreError if it is no LMDB file, or this process may not use it
 */
export function openEnvironment(path: string, readOnly = false): Environment {
	const lock = `${path}-lock`;
	// LMDB crashes a process that may not open the lock file.
	requireAccess(lock, constants.R_OK | constants.W_OK);
	requireAccess(path, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK);
	assertLmdb(path);
	try {
		return open({
			path,
			noSubdir: true,
			overlappingSync: false,
			eventTurnBatching: false,
			maxDbs: MAX_DATABASES,
			readOnly,
		});
	} catch (error) {
		throw isDenied(error) ? deniedError(dirname(path)) : error;
	} finally {
		giveToOwnerOfFolder(path);
		giveToOwnerOfFolder(lock);
	}
}

/** Opens the file with the data of a folder. @throws StoreError as `openEnvironment` does */
export const openDataFile = (folder: string, readOnly = false) => openEnvironment(join(folder, DATA_FILE), readOnly);

/**
 * The number that every LMDB file contains. It is checked before LMDB opens a file, because LMDB aborts the process if the
 * number is missing.
 */
const MAGIC = 0xbeefc0de;

/** Position of the number in the file, in bytes. */
const MAGIC_OFFSET = 24;

function assertLmdb(path: string): void {
	if (!existsSync(path)) return;
	const start = Buffer.alloc(MAGIC_OFFSET + 4);
	const file = openSync(path, 'r');
	const length = readSync(file, start);
	closeSync(file);
	const hasMagic = length === start.length && start.readUInt32LE(MAGIC_OFFSET) === MAGIC;
	// LMDB accepts an empty file.
	if (length > 0 && !hasMagic)
		throw new StoreError('damaged', `${path} is not a data file of Roomkey. Restore the folder from a backup.`);
}
