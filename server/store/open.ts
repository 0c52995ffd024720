import type { Log } from '../../shared/log.js';
import type { OpenStore } from './collections.js';

/** Where the data is. */
export type StoreChoice =
	/** In this process, gone with it. */
	| { kind: 'memory' }
	/** In a folder, which is made if need be; with other processes where all of them share it. */
	| { kind: 'files'; folder: string; shared?: boolean }
	/** In MongoDB, at a `mongodb://` address; its database if it names one, else `rocketchat`. */
	| { kind: 'mongodb'; url: string };

/**
 * Opens a store. What the other kinds need is not loaded.
 *
 * @param log receives what was left as it was
 * @throws StoreError with a message for the operator of the server
 */
export async function openStore(choice: StoreChoice, log: Log): Promise<OpenStore> {
	switch (choice.kind) {
		case 'memory':
			return (await import('./memory.js')).openMemory();
		case 'files':
			return (await import('./folder.js')).openFolder(choice.folder, choice);
		case 'mongodb':
			return (await import('./mongodb.js')).openMongo(choice.url, log);
	}
}
