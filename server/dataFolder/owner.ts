/**
 * Tracks which processes use a data folder. LMDB lists the processes that read a file, and detects which of them still
 * run: a killed process leaves no stale lock. A separate file is used, because LMDB may remove a process from the list
 * when it opens a further database.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { type Environment, openEnvironment } from './environment.js';

const OWNER_FILE = 'owner.mdb';

/** Folders that are open in this process. */
const openFolders = new Set<string>();

/** A process that has claimed the folder. */
interface Owner {
	readonly pid: number;
	readonly shared: boolean;
}

/**
 * Claims a folder for this process.
 *
 * @param shared whether other processes that set it too may claim the folder at the same time
 * @returns a function that releases it
 * @throws StoreError `in-use` with the id of the other process
 */
export async function claimFolder(folder: string, shared: boolean): Promise<() => Promise<void>> {
	if (openFolders.has(folder)) throw inUse(folder, 'this process');
	const environment = openEnvironment(join(folder, OWNER_FILE));
	openFolders.add(folder);
	const release = async () => {
		openFolders.delete(folder);
		await environment.close();
	};
	try {
		const owners = environment.openDB<Owner, number>({ name: 'owners' });
		// A read adds this process to the list.
		owners.get(process.pid);
		environment.transactionSync(() => {
			const living = livingProcesses(environment);
			for (const { value: owner } of [...owners.getRange()]) {
				if (owner.pid === process.pid || !living.has(owner.pid)) owners.removeSync(owner.pid);
				else if (!shared || !owner.shared) throw inUse(folder, `the process ${owner.pid}`, shared || owner.shared);
			}
			owners.putSync(process.pid, { pid: process.pid, shared });
		});
		return release;
	} catch (error) {
		await release();
		throw error;
	}
}

/** The ids of the processes that have the file open. */
function livingProcesses(environment: Environment): Set<number> {
	environment.readerCheck();
	return new Set([...environment.readerList().matchAll(/^\s*(\d+) /gm)].map(([, pid]) => Number(pid)));
}

/** The id of a process that has claimed a folder; undefined if there is none. Changes nothing. */
export async function ownerOf(folder: string): Promise<number | undefined> {
	const file = join(folder, OWNER_FILE);
	if (!existsSync(file)) return undefined;
	const environment = openEnvironment(file, true);
	try {
		const owners = environment.openDB<Owner, number>({ name: 'owners' });
		const living = livingProcesses(environment);
		return [...owners.getRange()].map(({ value }) => value.pid).find((pid) => living.has(pid));
	} finally {
		await environment.close();
	}
}

/** @param isOneShared whether this process or the other one shares the folder */
function inUse(folder: string, holder: string, isOneShared = false): StoreError {
	return new StoreError(
		'in-use',
		`The folder ${folder} is in use by ${holder}. Stop it first, or choose another folder.${isOneShared ? ' Several processes can use it only if all of them have --nats.' : ''}`,
	);
}
