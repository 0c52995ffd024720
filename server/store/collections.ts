/** Combines collections to a store. */
import { type Collection, collectionNames, type Store, type StoreChange } from '../../shared/store.js';
import { type Backend, collection, type Report } from './collection.js';
import { openGate } from './gate.js';

export type CollectionName = (typeof collectionNames)[keyof Store];

/** Receives each written document after it is stored. */
export type ChangeListener = (change: StoreChange) => void;

/** An open store, with the function to close it. */
export interface OpenStore {
	readonly store: Store;
	/**
	 * Calls the listener after every write that is not silent, before the write resolves. Returns a function that removes
	 * the listener.
	 */
	onChange(listener: ChangeListener): () => void;
	/** Refuses further writes, waits for running ones, and releases files and connections. A second call does nothing. */
	close(): Promise<void>;
}

/**
 * Opens all collections one after the other; rejects with the first failure.
 *
 * @param open opens one collection by its name in the database
 * @param release releases files and connections, after all writes have ended
 */
export async function buildStore(
	open: (name: CollectionName) => Promise<Backend>,
	release: () => Promise<void> = async () => {},
): Promise<OpenStore> {
	const gate = openGate();
	const listeners = new Set<ChangeListener>();
	const opened: [string, Collection<never>][] = [];
	for (const [key, name] of Object.entries(collectionNames) as [keyof Store, CollectionName][]) {
		const report: Report = (written) => {
			const change = { collection: key, ...written } as StoreChange;
			for (const listener of listeners) listener(change);
		};
		const announce = () => (listeners.size > 0 ? report : undefined);
		opened.push([key, collection(await open(name), name, gate, announce)]);
	}
	let closing: Promise<void> | undefined;
	return {
		store: Object.fromEntries(opened) as unknown as Store,
		onChange(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		close() {
			closing ??= gate.close().then(release);
			return closing;
		},
	};
}
