/** The indexes of collections in a data folder. */
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
 * Rebuilds the indexes of a collection if their definitions differ from those of the last start. All of it is one
 * transaction: a crash or an error leaves the former indexes, and other processes that use the folder wait.
 * @param rebuild adds all documents to the emptied indexes
 * @throws StoreError `unusable` if a unique index cannot be made, because two documents have the same value
 */
export function updateIndexes(
	environment: Environment,
	{ name, indexes }: IndexedCollection,
	rebuild: () => void,
): void {
	const record = environment.openDB<readonly IndexSpec[], string>({ name: 'roomkey/indexes', encoding: 'json' });
	try {
		environment.transactionSync(() => {
			const recorded = record.get(name) ?? [];
			if (JSON.stringify(recorded) === JSON.stringify(indexes)) return;
			for (const database of new Set([...recorded, ...indexes].map((spec) => indexName(name, spec))))
				openDatabase(environment, database).clearSync();
			rebuild();
			record.putSync(name, indexes);
		});
	} catch (error) {
		if (!(error instanceof DuplicateKeyError)) throw error;
		throw new StoreError('unusable', `A unique index of ${name} cannot be made: two documents have the same value.`);
	}
}
