/**
 * Tracks which processes use a data folder. LMDB lists the running processes that read a file, so a killed process
 * leaves no lock. LMDB may remove a process from a file's list when the process opens a further database in the file.
 * So the list is that of a separate file, not of the data file.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'lmdb';
import { StoreError } from '../../shared/storeErrors.js';
import { type Environment, openEnvironment } from './environment.js';

const OWNER_FILE = 'owner.mdb';

/** Folders that are open in this process, by their paths without symbolic links. */
const openFolders = new Set<string>();

interface Owner {
	readonly pid: number;
	readonly shared: boolean;
}

/**
 * Claims a folder for this process.
 * @param shared whether other processes with `shared` may claim the folder too
 * @returns a function that releases the folder
 * @throws StoreError `in-use` with the id of the other process
 */
export async function claimFolder(folder: string, shared: boolean): Promise<() => Promise<void>> {
	const realPath = realpathSync(folder);
	if (openFolders.has(realPath)) throw inUseError(folder, 'this process');
	const environment = openEnvironment(join(folder, OWNER_FILE));
	openFolders.add(realPath);
	const release = async () => {
		openFolders.delete(realPath);
		await environment.close();
	};
	try {
		// This process has not read yet. Processes of two containers often have the same id. LMDB would take them for one
		// process, and reuse pages that the other process still reads.
		if (runningProcesses(environment).has(process.pid))
			throw inUseError(folder, `a process of another container, which has the id ${process.pid} too`);
		const owners = environment.openDB<Owner, number>({ name: 'owners' });
		// A read adds this process to LMDB's list of readers.
		owners.get(process.pid);
		environment.transactionSync(() => {
			const running = runningProcesses(environment);
			for (const { value: owner } of [...owners.getRange()]) {
				// A claim with the id of this process is an earlier one: the folder was not in `openFolders`.
				const isOutdated = owner.pid === process.pid || !running.has(owner.pid);
				if (isOutdated) owners.removeSync(owner.pid);
				else if (!shared || !owner.shared) throw inUseError(folder, `the process ${owner.pid}`, shared || owner.shared);
			}
			owners.putSync(process.pid, { pid: process.pid, shared });
		});
		return release;
	} catch (error) {
		await release();
		throw error;
	}
}

/** The ids of the running processes in LMDB's list of readers. */
function runningProcesses(environment: Environment): Set<number> {
	// Removes the processes that no longer run.
	environment.readerCheck();
	const lines = [...environment.readerList().matchAll(/^\s*(\d+) /gm)];
	return new Set(lines.map(([, pid]) => Number(pid)));
}

/** The id of a process that has claimed a folder; undefined if there is none. Changes nothing. */
export async function ownerOf(folder: string): Promise<number | undefined> {
	const file = join(folder, OWNER_FILE);
	if (!existsSync(file)) return undefined;
	const readOnly = true;
	const environment = openEnvironment(file, readOnly);
	try {
		// Undefined if a process has made the file, but not yet claimed the folder.
		const owners = environment.openDB<Owner, number>({ name: 'owners' }) as Database<Owner, number> | undefined;
		if (!owners) return undefined;
		const running = runningProcesses(environment);
		return [...owners.getRange()].map(({ value }) => value.pid).find((pid) => running.has(pid));
	} finally {
		await environment.close();
	}
}

/**
 * Requires that no process has claimed a folder.
 * @throws StoreError `in-use` with the id of the process
 */
export async function assertUnclaimed(folder: string): Promise<void> {
	if (openFolders.has(realpathSync(folder))) throw inUseError(folder, 'this process');
	const owner = await ownerOf(folder).catch(() => undefined);
	if (owner !== undefined) throw inUseError(folder, `the process ${owner}`);
}

/** @param wantsSharing whether this process or the other one has set `shared` */
function inUseError(folder: string, holder: string, wantsSharing = false): StoreError {
	return new StoreError(
		'in-use',
		`The folder ${folder} is in use by ${holder}. Stop it first, or choose another folder.${wantsSharing ? ' Several processes can use it only if all of them have --nats.' : ''}`,
	);
}
