import { StoreError } from '../../shared/storeErrors.js';

/** The end of the error when a server opens its store: how it can do without the package. */
export const OTHER_STORES_HINT =
	'; or keep data in memory, with the option store: { memory: true } or the flag --memory';

/**
 * Loads a module that imports `lmdb`, an optional peer dependency.
 * @param otherWays the end of the error text: how to do without the package
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
