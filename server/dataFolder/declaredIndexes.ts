/**
 * The indexes of collections in a data folder. An application may change the indexes of its collections between two starts.
 * All indexes of such a collection are then rebuilt.
 */
import type { Database } from 'lmdb';
import type { IndexedCollection, IndexSpec } from '../../shared/indexes.js';
import { DuplicateKeyError, StoreError } from '../../shared/storeErrors.js';
import type { Environment } from './environment.js';

/** The name of the database that holds the entries of an index. */
export function indexName(collection: string, { fields, ignoreCase }: IndexSpec): string {
	return `${collection}/${fields.join(',')}${ignoreCase ? '/i' : ''}`;
}

function openDatabase(environment: Environment, name: string): Database<string, string> {
	return environment.openDB({ name, dupSort: true, encoding: 'ordered-binary' });
}

/** Opens the database of an index: the ids of documents by the values of its fields. */
export function openIndex(environment: Environment, collection: string, spec: IndexSpec): Database<string, string> {
	return openDatabase(environment, indexName(collection, spec));
}

/**
 * Rebuilds the indexes of a collection if their definitions differ from those of the last start. Removes the record of the
 * definitions first and writes it last, so that the next start after a crash rebuilds the indexes again.
 *
 * @param rebuild adds all documents to the emptied indexes
 * @throws StoreError `unusable` if a unique index cannot be made, because two documents have the same value
 */
export async function updateIndexes(
	environment: Environment,
	{ name, indexes }: IndexedCollection,
	rebuild: () => Promise<void>,
): Promise<void> {
	const record = environment.openDB<readonly IndexSpec[], string>({ name: 'roomkey/indexes', encoding: 'json' });
	const recorded = record.get(name) ?? [];
	if (JSON.stringify(recorded) === JSON.stringify(indexes)) return;
	await record.remove(name);
	for (const database of new Set([...recorded, ...indexes].map((spec) => indexName(name, spec)))) {
		await openDatabase(environment, database).clearAsync();
	}
	try {
		await rebuild();
	} catch (error) {
		if (!(error instanceof DuplicateKeyError)) throw error;
		throw new StoreError('unusable', `A unique index of ${name} cannot be made: two documents have the same value.`);
	}
	await record.put(name, indexes);
}
