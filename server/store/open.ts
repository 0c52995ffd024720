/** Opens the store that the configuration names. */
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { openFiles, openMemory } from './embedded.js';
import { openMongo } from './mongodb.js';

export type StoreChoice =
	| { readonly kind: 'memory' }
	| { readonly kind: 'files'; readonly folder: string }
	| { readonly kind: 'mongodb'; readonly url: string };

export interface OpenStore {
	readonly store: Store;
	/** Waits for writes that are under way, then lets go of everything. */
	close(): Promise<void>;
}

/** @throws StoreError where it cannot be opened */
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
