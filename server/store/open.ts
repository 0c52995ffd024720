import type { CollectionDefinition } from '../../shared/collections.js';
import type { Log } from '../../shared/log.js';
import { OTHER_STORES_HINT, withLmdb } from '../dataFolder/withLmdb.js';
import type { IndexMode, OpenStore } from './collections.js';

/** Where the data is stored. */
export type StoreChoice =
	/** In memory, without persistence. */
	| { kind: 'memory' }
	/** In a folder, which is created if necessary. Several processes may use the folder if each of them sets `shared`. */
	| { kind: 'files'; folder: string; shared?: boolean }
	/** In MongoDB, at a `mongodb://` address. The database is `rocketchat` unless the address names one. */
	| { kind: 'mongodb'; url: string; indexes?: IndexMode };

/**
 * Opens a store. Loads only the modules for this kind of store.
 * @param log receives warnings about the indexes of MongoDB, and errors when writes to a folder fail
 * @throws StoreError with a message for the operator
 */
export async function openStore(
	choice: StoreChoice,
	log: Log,
	declared: readonly CollectionDefinition[] = [],
): Promise<OpenStore> {
	switch (choice.kind) {
		case 'memory':
			return (await import('./memory.js')).openMemory(declared);
		case 'files':
			return (await withLmdb(() => import('./folder.js'), OTHER_STORES_HINT)).openFolder(choice.folder, {
				...choice,
				declared,
				log,
			});
		case 'mongodb':
			return (await import('./mongodb.js')).openMongo(choice.url, log, declared, choice.indexes);
	}
}
