import type { Collection, WriteOptions } from '../../shared/store.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';

/** Inserts a document. @returns false if another document has the same id, or the same value in a unique index */
export async function insertIfAbsent<T extends { _id: string }>(
	collection: Collection<T>,
	document: T,
	options?: WriteOptions,
): Promise<boolean> {
	try {
		await collection.insertOne(document, options);
		return true;
	} catch (error) {
		if (isDuplicateKey(error)) return false;
		throw error;
	}
}
