/** The checks of the store and of the disk. */
import { access, constants, statfs } from 'node:fs/promises';
import type { Store } from '../../shared/store.js';
import { DATA_FILE, dataFileId } from '../dataFolder/manifest.js';
import type { Check } from './health.js';

/** Minimum free space, in MiB. */
const MIN_FREE_MIB = 64;

const MIB = 1024 ** 2;

const MISSING_FOLDER = 'The data folder is not there (ENOENT)';
const OTHER_FILE = `The file ${DATA_FILE} of the data folder was removed or replaced`;

/** Whether a fault of `diskCheck` means that the data of the server is no longer in its folder. */
export const isDataLossReason = (fault: string | undefined): boolean =>
	fault === MISSING_FOLDER || fault === OTHER_FILE;

/** Checks that the store answers a read. */
export function storeCheck(store: Store): Check {
	return async () => {
		await store.settings.findOne({ _id: 'roomkey-health-check' }, { projection: { _id: 1 } });
		return undefined;
	};
}

/**
 * Checks that the data folder is writable, still has the data file of the first check, and has free space. Anybody can
 * read the result, so it does not contain the path of the folder.
 */
export function diskCheck(folder: string): Check {
	let firstId: string | undefined;
	return async () => {
		try {
			await access(folder, constants.R_OK | constants.W_OK);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			return code === 'ENOENT' ? MISSING_FOLDER : `The data folder cannot be read and written (${code})`;
		}
		const id = dataFileId(folder);
		firstId ??= id;
		if (id !== firstId) return OTHER_FILE;
		const { bavail, bsize } = await statfs(folder);
		const free = Math.floor((bavail * bsize) / MIB);
		return free < MIN_FREE_MIB ? `The disk has ${free} MiB left; ${MIN_FREE_MIB} MiB are needed` : undefined;
	};
}
