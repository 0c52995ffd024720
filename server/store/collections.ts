/** A store of its collections. */
import { type Collection, collectionNames, type Store } from '../../shared/store.js';

export type CollectionName = (typeof collectionNames)[keyof Store];

/** A store that is open, and the way to end it. */
export interface OpenStore {
	readonly store: Store;
	/** Refuses further writes, waits for those that run, and lets go of files and connections. A second call does nothing. */
	close(): Promise<void>;
}

/** Opens one collection by its name. */
export type OpenCollection = <T extends { _id: string }>(name: CollectionName) => Promise<Collection<T>>;

/** Opens all collections one after the other; rejects with the first failure. */
export async function buildStore(open: OpenCollection): Promise<Store> {
	const opened: [string, unknown][] = [];
	for (const [key, name] of Object.entries(collectionNames)) opened.push([key, await open(name)]);
	return Object.fromEntries(opened) as unknown as Store;
}
