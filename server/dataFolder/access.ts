/** Whom the files of a data folder belong to, and what this process may do with them. */
import { accessSync, constants, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { type ClosedFolder, followPath, isDenied } from './followPath.js';

export { isDenied };

/** The number of the user who runs this process; undefined on Windows, which has no user numbers. */
const ownUid = () => process.geteuid?.();

const userText = (uid: number | undefined) => (uid === 0 ? 'root' : `the user ${uid}`);

/**
 * Gives a file to the owner of its folder, if root runs this process. Otherwise the server, which has another account,
 * could not read the files that a command has made as root.
 */
export function giveToOwnerOfFolder(path: string): void {
	if (ownUid() !== 0) return;
	try {
		const file = lstatSync(path);
		const { uid, gid } = statSync(dirname(path));
		// A link may name a file elsewhere, which the owner of the folder must not receive. The file is not opened, because
		// closing it would end the locks that LMDB has on it.
		const isOwn = file.uid === 0 && (file.isDirectory() || file.nlink === 1);
		if (isOwn && uid !== 0) lchownSync(path, uid, gid);
	} catch {
		// The file is missing, or may not be given away, as without CAP_CHOWN in a container.
	}
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

/**
 * Why this process may not read a file or folder, and what to do.
 * @param isSecret whether only the user of this process should be able to read it
 */
export function explainUnreadable(path: string, isSecret = true): string {
	const own = ownUid();
	const reached = followPath(path);
	if (reached.kind === 'closed') return explainClosed('it', reached);
	const owner = ownerUid(path);
	if (owner === own) return `its mode does not allow reading. Allow it: chmod u+r ${path}`;
	const remedy = isSecret ? `Give it to this user: chown ${own}` : 'Allow all users to read it: chmod a+r';
	return `it belongs to ${userText(owner)}, and this process runs as ${userText(own)}. ${remedy} ${path}`;
}

/** The error for a data folder that this process may not use. It names the file, its owner and a remedy. */
export function deniedError(folder: string): StoreError {
	return new StoreError('unusable', `Permission denied: ${explainDenial(resolve(folder))}`);
}

/** The explanation if access is denied although all modes allow it. */
const POLICY = 'A policy of the system, such as SELinux or AppArmor, may refuse it: see the log of the system';

/** Why a folder cannot be made, and what to do. @param parent the nearest folder that exists */
function explainMissing(folder: string, parent: string): string {
	const [own, owner] = [ownUid(), ownerUid(parent)];
	const problem = `the folder ${folder} cannot be made`;
	if (!denies(parent, W_OK | X_OK)) return `${problem}, although the mode of ${parent} allows it. ${POLICY}`;
	if (owner === own)
		return `${problem}, because ${parent} belongs to the user of this process, but its mode does not allow writing. Allow it: chmod u+wx ${parent}`;
	return `${problem}, because ${parent} belongs to ${userText(owner)} and this process runs as ${userText(own)}. Make the folder for this user: install -d -m 700 -o ${own} ${folder}`;
}

function explainDenial(folder: string): string {
	const own = ownUid();
	const reached = followPath(folder);
	if (reached.kind === 'closed') return explainClosed(folder, reached);
	if (reached.kind === 'missing') return explainMissing(folder, reached.in);
	const owner = ownerUid(folder);
	const file = deniedFile(folder);
	if (file === undefined)
		return `${folder} cannot be used, although its mode and those of its files allow it. ${POLICY}`;
	const fileOwner = ownerUid(file);
	const rule = 'Run the server and the commands on its data as one account.';
	if (fileOwner === own)
		return `${file} belongs to the user of this process, but its mode does not allow reading and writing. Allow it: chmod -R u+rwX ${folder}`;
	const problem = `${file} belongs to ${userText(fileOwner)}, and this process runs as ${userText(own)}.`;
	const remedy =
		owner === own ? 'Give it to this user' : `Run this as ${userText(owner)}, or give the folder to this user`;
	return `${problem} ${remedy}: chown -R ${own} ${folder}. ${rule}`;
}

/**
 * Why a path cannot be followed into a folder, and what to do.
 * @param subject what the text calls the path: `it`, or the path
 */
function explainClosed(subject: string, { folder, link }: ClosedFolder): string {
	const [own, owner] = [ownUid(), ownerUid(folder)];
	const where = link === undefined ? `${subject} is in ${folder}` : `${link} is a link into ${folder}`;
	if (owner === own)
		return `${where}, which belongs to the user of this process, but its mode does not allow entering it. Allow it: chmod u+x ${folder}`;
	const problem = `${where}, which belongs to ${userText(owner)}, and ${userText(own)} may not enter it.`;
	// With systemd's DynamicUser, /var/lib/NAME is a link to private/NAME, and only root may enter /var/lib/private.
	if (link !== undefined && owner === 0 && basename(folder) === 'private')
		return `${problem} Run this as root, or by systemd-run with DynamicUser, User and StateDirectory as in the unit of the service`;
	// If this process runs as root and may not enter, root lacks its usual rights, as in some containers.
	const who = owner === 0 || own === 0 ? userText(owner) : `root or ${userText(owner)}`;
	return `${problem} Run this as ${who}, or as another account that may enter it`;
}

/** The folder, or its first file, that this process may not read and write; undefined if there is none. */
function deniedFile(folder: string): string | undefined {
	if (denies(folder, R_OK | W_OK | X_OK)) return folder;
	const files = readdirSync(folder).map((name) => join(folder, name));
	return files.find((file) => denies(file, R_OK | W_OK));
}

/** The user number of the owner. Links are followed. Undefined if the file is missing. */
function ownerUid(path: string): number | undefined {
	return statSync(path, { throwIfNoEntry: false })?.uid;
}
