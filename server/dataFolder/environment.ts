/** Opens the LMDB files of a data folder. LMDB calls an open file an environment. A file contains named databases. */
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../../shared/storeErrors.js';
import { deniedError, giveToOwnerOfFolder, isDenied, requireAccess } from './access.js';
import { DATA_FILE } from './manifest.js';

/** Maximum number of LMDB databases: one for each collection and each index, including those of the application. */
const MAX_DATABASES = 256;

export type Environment = RootDatabase<unknown, string>;

/**
 * Opens an LMDB file. Without `overlappingSync`, the promise of a transaction resolves when its writes are durable.
 * Reads then return no data that a crash could undo.
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

/** Opens the data file of a folder. @throws StoreError as `openEnvironment` does */
export const openDataFile = (folder: string, readOnly = false) => openEnvironment(join(folder, DATA_FILE), readOnly);

/**
 * Every LMDB file contains this number. It is checked before LMDB opens a file, because LMDB aborts the process if the
 * number is missing.
 */
const MAGIC = 0xbeefc0de;

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
