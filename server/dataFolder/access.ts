/** The accounts of the operating system that the files of a data folder belong to, and what this process may do with them. */
import { accessSync, constants, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { dirname, join } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';

/** The user of this process; undefined on Windows, which has no such numbers. */
const ownUid = () => process.geteuid?.();

const named = (uid: number | undefined) => (uid === 0 ? 'root' : `the user ${uid}`);

/**
 * Gives a file to the owner of its folder, if root runs this process. Otherwise a command that root runs would leave files
 * that the server, which has another account, cannot read.
 */
export function keepOwner(path: string): void {
	if (ownUid() !== 0) return;
	try {
		const file = lstatSync(path);
		const { uid, gid } = statSync(dirname(path));
		// A link may name a file elsewhere, which the owner of the folder must not receive. No file is opened here: closing it
		// would end the locks that LMDB has on it.
		const isOwn = file.uid === 0 && (file.isDirectory() || file.nlink === 1);
		if (isOwn && uid !== 0) lchownSync(path, uid, gid);
	} catch {
		// The file is missing, or the system does not let this process give it away, as without CAP_CHOWN in a container.
	}
}

/** Whether an error says that this process lacks a right. LMDB reports the number of the system's error. */
export function isDenied(error: unknown): boolean {
	const { code } = error as { code?: unknown };
	return code === 'EACCES' || code === system.errno.EACCES;
}

/** Requires rights on a file. A missing file is no error. @throws StoreError `unusable` without these rights */
export function requireAccess(path: string, rights: number): void {
	if (denies(path, rights)) throw deniedError(dirname(path));
}

function denies(path: string, rights: number): boolean {
	try {
		accessSync(path, rights);
		return false;
	} catch (error) {
		return isDenied(error);
	}
}

const { R_OK, W_OK, X_OK } = constants;

/** Why this process may not read a file, and what to do. */
export function explainUnreadable(path: string): string {
	const own = ownUid();
	const [nearest] = nearestVisible(path);
	if (nearest !== path) return `${nearest} belongs to ${named(ownerOf(nearest))}, and ${named(own)} may not enter it`;
	const owner = ownerOf(path);
	if (owner === own) return `its mode does not allow reading. Allow it: chmod u+r ${path}`;
	return `it belongs to ${named(owner)}, and this process runs as ${named(own)}. Give it to this user: chown ${own} ${path}`;
}

/** The error for a data folder that this process may not use: which file, to whom it belongs, and what to do. */
export function deniedError(folder: string): StoreError {
	return new StoreError('unusable', `Permission denied: ${explainDenial(folder)}`);
}

function explainDenial(folder: string): string {
	const own = ownUid();
	const [parent, isMissing] = nearestVisible(folder);
	const owner = ownerOf(parent);
	if (parent !== folder && isMissing)
		return `the folder ${folder} cannot be made, because ${parent} belongs to ${named(owner)} and this process runs as ${named(own)}. Make the folder for this user: install -d -m 700 -o ${own} ${folder}`;
	if (parent !== folder)
		return `${folder} is in ${parent}, which belongs to ${named(owner)}, and this process runs as ${named(own)}. Run servers and commands as the account that the data belongs to.`;
	const file = deniedFile(folder);
	const fileOwner = ownerOf(file);
	const rule = 'Run the server and the commands on its data as one account.';
	if (fileOwner === own)
		return `${file} belongs to the user of this process, but its mode does not allow reading and writing. Allow it: chmod -R u+rwX ${folder}`;
	const whose = `${file} belongs to ${named(fileOwner)}, and this process runs as ${named(own)}.`;
	const remedy =
		owner === own ? 'Give it to this user' : `Run this as ${named(owner)}, or give the folder to this user`;
	return `${whose} ${remedy}: chown -R ${own} ${folder}. ${rule}`;
}

/** The folder itself, or the nearest folder above it that can be looked at; and whether what is below that is missing. */
function nearestVisible(folder: string): [path: string, isMissing: boolean] {
	let isMissing = true;
	for (let path = folder; ; path = dirname(path)) {
		try {
			if (statSync(path, { throwIfNoEntry: false }) || path === dirname(path)) return [path, isMissing];
		} catch {
			isMissing = false;
		}
	}
}

/** The first file of a folder that this process may not read and write; the folder, if that is denied. */
function deniedFile(folder: string): string {
	if (denies(folder, R_OK | W_OK | X_OK)) return folder;
	const files = readdirSync(folder).map((name) => join(folder, name));
	return files.find((file) => denies(file, R_OK | W_OK)) ?? folder;
}

function ownerOf(path: string): number | undefined {
	return lstatSync(path, { throwIfNoEntry: false })?.uid;
}
