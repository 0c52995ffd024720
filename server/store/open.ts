import type { Log } from '../../shared/log.js';
import type { OpenStore } from './collections.js';
import { openMemory } from './embedded.js';
import { openFiles } from './files.js';
import { openMongo } from './mongodb.js';

/** Where the data is. */
export type StoreChoice =
	/** In this process, gone with it. */
	| { kind: 'memory' }
	/** In files of a folder, which is made if need be and is this process's alone. */
	| { kind: 'files'; folder: string }
	/** In MongoDB, at a `mongodb://` address; its database if it names one, else `rocketchat`. */
	| { kind: 'mongodb'; url: string };

/**
 * Opens a store.
 *
 * @param log hears what was repaired or left as it was
 * @throws StoreError with a message for whoever runs the server
 */
export function openStore(choice: StoreChoice, log: Log): Promise<OpenStore> {
	switch (choice.kind) {
		case 'memory':
			return openMemory();
		case 'files':
			return openFiles(choice.folder, log);
		case 'mongodb':
			return openMongo(choice.url, log);
	}
}
