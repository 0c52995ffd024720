/** What a data folder must contain: an LMDB file, and a manifest that describes it. */
import { readdirSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { collectionNames } from '../../shared/store.js';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';
import { deniedError, giveToOwnerOfFolder, isDenied } from './access.js';

export const DATA_FILE = 'data.mdb';
const MANIFEST = 'manifest.json';

/** The version of the data file's format. Later releases may read earlier versions. */
const VERSION = 1;

interface Manifest {
	readonly format: 'roomkey';
	readonly version: number;
	/** Size of the data file when the manifest was written, in bytes. The data file never shrinks. */
	readonly bytes: number;
}

/** Number of calls of `forOwnerOnly` in progress. */
let ownerOnlyCalls = 0;

/** The file mode mask of the process before the first of these calls. */
let usualMask = 0;

/**
 * Runs `make` so that only the owner of the process can read the files that `make` creates. By default, LMDB lets all
 * users read its files. Calls may overlap, although the process has only one mask: the last to end restores it.
 */
export async function forOwnerOnly<R>(make: () => R): Promise<Awaited<R>> {
	if (ownerOnlyCalls++ === 0) usualMask = process.umask(0o077);
	try {
		return await make();
	} finally {
		if (--ownerOnlyCalls === 0) process.umask(usualMask);
	}
}

/**
 * Creates a folder and its missing parents. If root runs this process, each of them gets the owner of its parent
 * folder.
 * @param path an absolute path
 */
export async function makeFolder(path: string): Promise<void> {
	const first = await mkdir(path, { recursive: true, mode: 0o700 });
	if (first === undefined) return;
	const made = [path];
	while (made[0] !== first) made.unshift(dirname(made[0] as string));
	made.forEach(giveToOwnerOfFolder);
	await syncFolder(dirname(first));
}

/** Flushes a folder's list of files to the disk. Windows flushes the list itself. */
async function syncFolder(path: string): Promise<void> {
	if (process.platform === 'win32') return;
	const folder = await open(path, 'r');
	await folder.sync().finally(() => folder.close());
}

/**
 * Identifies the data file of a folder; undefined if there is none. All processes see the same id. A copy has another
 * id. So has a file that replaces the data file while a process has it open: only then the old id is surely not used
 * again.
 */
export function dataFileId(path: string): string | undefined {
	const found = statSync(join(path, DATA_FILE), { bigint: true, throwIfNoEntry: false });
	return found && `${found.dev}:${found.ino}`;
}

/** Whether a folder has a manifest, which is written after all other files. */
export function hasManifest(path: string): boolean {
	return isThere(join(path, MANIFEST));
}

/** Whether a folder has a manifest or a data file, complete or not. */
export function holdsData(path: string): boolean {
	return hasManifest(path) || isThere(join(path, DATA_FILE));
}

/**
 * @throws StoreError if the folder has no data; for data of Roomkey 0.1, the error names the command that imports it
 */
export function requireDataIn(path: string, advice = ''): void {
	if (holdsData(path)) return;
	assertNotFormer(path, namesIn(path));
	throw new StoreError('unusable', `The folder ${path} holds no data of Roomkey.${advice}`);
}

/** Whether a folder has data of the format of version 0.1, which `roomkey import` reads. */
export function holdsFormerData(path: string): boolean {
	return formerFile(namesIn(path)) !== undefined;
}

/** Empty if the folder is missing, is a file, or cannot be read. */
function namesIn(path: string): readonly string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}

/** The files of Roomkey 0.1. Other programs have files that end with `.db` too, such as `Thumbs.db`. */
const FORMER_FILES: ReadonlySet<string> = new Set(Object.values(collectionNames).map((name) => `${name}.db`));

const formerFile = (names: Iterable<string>) => [...names].find((name) => FORMER_FILES.has(name));

function assertNotFormer(path: string, names: Iterable<string>): void {
	const file = formerFile(names);
	if (file === undefined) return;
	throw new StoreError(
		'other-format',
		`The folder ${path} holds data of Roomkey 0.1 (${file}). Import it into a new folder, and keep this one as the backup: roomkey import --data NEW_FOLDER ${path}`,
	);
}

/** @throws StoreError if it cannot be found out whether the file exists */
function isThere(file: string): boolean {
	try {
		return statSync(file, { throwIfNoEntry: false }) !== undefined;
	} catch (error) {
		throw folderError(error, dirname(file));
	}
}

/**
 * Checks that a folder contains either no data or all required files.
 * @throws StoreError that states the problem and the remedy
 */
export async function assertIntact(path: string): Promise<void> {
	const names = new Set(await readdir(path));
	const manifest = names.has(MANIFEST) ? await readManifest(path) : undefined;
	if (!manifest) {
		assertNotFormer(path, names);
		// Also refuses a folder whose process crashed before it wrote the first manifest. It contains no document.
		if (names.has(DATA_FILE) && statSync(join(path, DATA_FILE)).size > 0)
			throw new StoreError(
				'damaged',
				`The folder ${path} has ${DATA_FILE} but no ${MANIFEST}: it was copied in part, or the process that made it was interrupted. Restore the whole folder from a backup. If it is new and was never in use, delete it.`,
			);
		return;
	}
	const size = names.has(DATA_FILE) ? statSync(join(path, DATA_FILE)).size : undefined;
	if (size === undefined)
		throw new StoreError('damaged', `${DATA_FILE} is missing in ${path}. Restore the folder from a backup.`);
	if (size < manifest.bytes)
		throw new StoreError(
			'damaged',
			`${join(path, DATA_FILE)} has ${size} bytes and must have at least ${manifest.bytes}: it was cut or copied in part. Restore the folder from a backup.`,
		);
}

async function readManifest(path: string): Promise<Manifest> {
	const file = join(path, MANIFEST);
	let read: Partial<Manifest>;
	try {
		read = JSON.parse(await readFile(file, 'utf8')) ?? {};
	} catch (error) {
		if (isDenied(error)) throw deniedError(path);
		throw new StoreError('damaged', `${file} cannot be read: ${reasonOf(error)}. Restore the folder from a backup.`);
	}
	if (read.format !== 'roomkey' || typeof read.version !== 'number' || typeof read.bytes !== 'number')
		throw new StoreError('other-format', `${file} does not describe data of Roomkey. Choose another folder.`);
	if (read.version > VERSION)
		throw new StoreError(
			'other-format',
			`The folder ${path} was written by a newer Roomkey (format ${read.version}; this Roomkey reads ${VERSION}). Install the newer one.`,
		);
	return read as Manifest;
}

/** Writes or replaces the manifest. */
export async function writeManifest(path: string): Promise<void> {
	const manifest: Manifest = { format: 'roomkey', version: VERSION, bytes: statSync(join(path, DATA_FILE)).size };
	const next = join(path, `${MANIFEST}.${process.pid}`);
	try {
		await writeFile(next, `${JSON.stringify(manifest)}\n`, { mode: 0o600, flush: true });
		giveToOwnerOfFolder(next);
		await rename(next, join(path, MANIFEST));
	} catch (error) {
		await rm(next, { force: true }).catch(() => {});
		throw error;
	}
	await syncFolder(path);
}

/** Whether an error says that a disk or a quota is full. */
export function isFullDisk(error: unknown): boolean {
	return /No space left|quota exceeded/i.test(reasonOf(error));
}

export function fullDiskError(path: string): StoreError {
	return new StoreError('full', `The disk of ${path} is full: nothing can be stored until there is space.`);
}

/** Converts any error that the work on a folder has thrown to a StoreError. */
export function folderError(error: unknown, path: string): StoreError {
	if (error instanceof StoreError) return error;
	if (isDenied(error)) return deniedError(path);
	if (isFullDisk(error)) return fullDiskError(path);
	const reason = reasonOf(error);
	if (/MDB_(INVALID|VERSION_MISMATCH|CORRUPTED|PAGE_NOTFOUND|BAD_)/.test(reason))
		return new StoreError(
			'damaged',
			`${join(path, DATA_FILE)} is damaged: ${reason}. Restore the folder from a backup.`,
		);
	return new StoreError('unusable', `The folder ${path} cannot be used: ${reason}.`, { cause: error });
}
