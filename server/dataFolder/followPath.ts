/** Follows a path folder by folder, to find a folder that this process may not enter. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { constants as system } from 'node:os';
import { join, parse, resolve, sep } from 'node:path';

export interface ClosedFolder {
	readonly kind: 'closed';
	readonly folder: string;
	/** The last link on the way to the folder. */
	readonly link: string | undefined;
}

/**
 * Where a path leads. `found`: nothing on the way is closed or missing, or the path cannot be followed for another
 * reason. `in`: the nearest folder that exists.
 */
export type Reached = { readonly kind: 'found' } | { readonly kind: 'missing'; readonly in: string } | ClosedFolder;

/** A path with more links is not followed further. Linux has the same limit. */
const MAX_LINKS = 40;

/** Whether an error says that this process lacks a right. LMDB reports the number of the system's error. */
export function isDenied(error: unknown): boolean {
	const { code } = error as { code?: unknown };
	return code === 'EACCES' || code === system.errno.EACCES;
}

function split(path: string): [root: string, names: string[]] {
	const { root } = parse(path);
	return [root, path.slice(root.length).split(sep).filter(Boolean)];
}

/** Follows a path and its links. */
export function followPath(path: string): Reached {
	let [folder, names] = split(resolve(path));
	let link: string | undefined;
	for (let links = 0; names.length > 0; ) {
		const [name = '', ...others] = names;
		const next = join(folder, name);
		let found: Stats | undefined;
		try {
			found = lstatSync(next, { throwIfNoEntry: false });
		} catch (error) {
			// Other errors are reported elsewhere.
			return isDenied(error) ? { kind: 'closed', folder, link } : { kind: 'found' };
		}
		if (!found) return { kind: 'missing', in: folder };
		if (found.isSymbolicLink()) {
			if (++links > MAX_LINKS) return { kind: 'found' };
			link = next;
			const [root, targetNames] = split(resolve(folder, readlinkSync(next)));
			[folder, names] = [root, [...targetNames, ...others]];
		} else [folder, names] = [next, others];
	}
	return { kind: 'found' };
}
