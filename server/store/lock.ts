/** One process a folder. The lock is the system's and vanishes with the process, so a killed one leaves nothing to clear. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, StoreError } from './failure.js';

/** Far behind the process id in the file, as Windows lets nobody read what is locked. */
const LOCKED_BYTE = 4096;

/**
 * Takes the folder for this process.
 *
 * @returns lets go of it
 * @throws StoreError `in-use` naming the process that has it, `unusable` where there are no locks
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
	const path = join(folder, 'lock');
	// A bare descriptor: a FileHandle would close, and the lock be gone, when it is garbage collected.
	const file = openSync(path, 'a+', 0o600);
	try {
		if (!(await tryLock(file, path))) {
			const holder = readFileSync(path, 'utf8').trim();
			const who = /^\d+$/.test(holder) ? `the process ${holder}` : 'another process';
			throw new StoreError(
				'in-use',
				`The folder ${folder} is in use by ${who}. Stop it first, or choose another folder.`,
			);
		}
		ftruncateSync(file);
		writeSync(file, `${process.pid}\n`);
	} catch (error) {
		closeSync(file);
		throw error;
	}
	return async () => closeSync(file);
}

async function tryLock(file: number, path: string): Promise<boolean> {
	try {
		// Loaded here only: it is native, and a server on MongoDB does not need it.
		const { tryLock } = await import('fs-native-extensions');
		return tryLock(file, LOCKED_BYTE, 1);
	} catch (error) {
		throw new StoreError('unusable', `The file ${path} cannot be locked: ${reasonOf(error)}.`, { cause: error });
	}
}
