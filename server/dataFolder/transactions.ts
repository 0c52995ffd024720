/** Writes to an LMDB file. Many tasks share a transaction and its flush to the disk. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../shared/log.js';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';
import type { Environment } from './environment.js';
import { DATA_FILE, dataFileId, fullDiskError, isFullDisk } from './manifest.js';

/** Maximum time for the tasks of one transaction, which block the event loop. The last task may exceed it. */
const MAX_TRANSACTION_MS = 5;

/** A disk with less free space than this counts as full, because a commit may need that much. */
const MIN_FREE_BYTES = 8 * 1024 * 1024;

const SPACE_CHECK_MS = 1000;

interface Pending {
	readonly task: () => void;
	readonly resolve: () => void;
	readonly reject: (error: unknown) => void;
}

export interface WriterOptions {
	/** Receives one line when writes begin to fail, and one when they succeed again. */
	readonly log?: Log | undefined;
	/** The free space of a disk, in bytes. Default: asks the operating system. */
	readonly freeSpace?: ((folder: string) => Promise<number>) | undefined;
}

/**
 * Returns a function that runs a write task in a transaction. One transaction runs after the other. Tasks that are
 * added in one turn of the event loop, or during a flush, share the next transaction. Tasks that do not start within
 * `MAX_TRANSACTION_MS` wait for a later one.
 */
export function writer(
	environment: Environment,
	folder: string,
	{ log, freeSpace = freeSpaceOf }: WriterOptions = {},
): (task: () => void) => Promise<void> {
	const waiting: Pending[] = [];
	let isWorking = false;
	let isFailing = false;
	const fileId = dataFileId(folder);
	let checkedAt = Number.NEGATIVE_INFINITY;

	/** Writes to a file that was removed or replaced would be lost. The check takes 2 µs for each transaction. */
	function assertSameFile(): void {
		if (dataFileId(folder) === fileId) return;
		const file = join(folder, DATA_FILE);
		throw new StoreError(
			'unusable',
			`The data file ${file} was removed or replaced: nothing can be stored. Stop the server and restore the folder.`,
		);
	}

	/** Without this check, LMDB would print each failed commit on standard error. */
	async function assertSpace(): Promise<void> {
		if (performance.now() - checkedAt < SPACE_CHECK_MS) return;
		if ((await freeSpace(folder)) < MIN_FREE_BYTES) throw fullDiskError(folder);
		checkedAt = performance.now();
	}

	async function commitSome(): Promise<void> {
		const started: Pending[] = [];
		try {
			assertSameFile();
			await assertSpace();
			await environment.transaction(() => {
				const end = performance.now() + MAX_TRANSACTION_MS;
				do {
					const next = waiting.shift() as Pending;
					started.push(next);
					next.task();
				} while (waiting.length > 0 && performance.now() < end);
			});
			if (isFailing) log?.info({ folder }, 'Writes are stored again');
			isFailing = false;
			for (const { resolve } of started) resolve();
		} catch (error) {
			const failure = await failureOf(error, folder);
			if (!isFailing) log?.error({ folder, err: failure }, 'Writes cannot be stored');
			isFailing = true;
			// If no task has started, nothing can be written now, so all waiting tasks fail.
			const failed = started.length > 0 ? started : waiting.splice(0);
			for (const { reject } of failed) reject(failure);
		}
	}

	async function commitAll(): Promise<void> {
		isWorking = true;
		while (waiting.length > 0) await commitSome();
		isWorking = false;
	}

	return (task) =>
		new Promise((resolve, reject) => {
			waiting.push({ task, resolve, reject });
			if (!isWorking) void commitAll();
		});
}

/** Converts a failure of LMDB, the disk or the system to a StoreError; returns other errors unchanged. */
export async function failureOf(error: unknown, folder: string): Promise<unknown> {
	const { commitError } = error as { commitError?: Promise<never> };
	// LMDB delivers the error of the system in a promise of its own.
	const cause = commitError ? await commitError.catch((inner) => inner) : error;
	const reason = reasonOf(cause);
	const isStorageFailure = commitError !== undefined || /MDB_|Input\/output|No space left|quota exceeded/i.test(reason);
	if (/closed database/.test(reason)) return new StoreError('unusable', 'The store is closed.');
	if (!isStorageFailure) return error;
	// On a full disk the system may write a part of the data. LMDB reports this as an input/output error.
	const lacksSpace = async () => (await freeSpaceOf(folder)) < MIN_FREE_BYTES;
	const isFull = isFullDisk(cause) || (commitError && (await lacksSpace()));
	if (isFull) return fullDiskError(folder);
	if (/MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID)/.test(reason))
		return new StoreError('damaged', `The data in ${folder} is damaged: ${reason}. Restore the folder from a backup.`);
	return new StoreError('unusable', `Nothing can be stored in ${folder}: ${reason}.`, { cause });
}

/** The free space of a folder's disk, in bytes; infinite if the system does not report it. */
async function freeSpaceOf(folder: string): Promise<number> {
	const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }));
	return bavail * bsize;
}
