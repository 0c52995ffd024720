import { StoreError } from '../../shared/storeErrors.js';

/** The last words of the error text if a server lacks the package `lmdb`: which store works without it. */
export const OTHER_STORES_HINT =
	'; or keep data in memory, with the option store: { memory: true } or the flag --memory';

/**
 * Loads a module that imports `lmdb`, an optional peer dependency.
 * @param otherWays the last words of the error text: what works without the package
 * @throws StoreError if the package is missing
 */
export async function withLmdb<T>(load: () => Promise<T>, otherWays = ''): Promise<T> {
	try {
		return await load();
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'lmdb'")) throw error;
		throw new StoreError('unusable', `To store data in a folder, add the package lmdb: npm install lmdb${otherWays}`);
	}
}
