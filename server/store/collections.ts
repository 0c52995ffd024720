/** Combines collections to a store. */
import { type Change, type Collection, collectionNames, type Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import type { Document } from '../../shared/values.js';
import { changesNothing } from '../query/update.js';
import { type Announce, type Backend, collection, type Translate, type WriteGate } from './collection.js';

export type CollectionName = (typeof collectionNames)[keyof Store];

/** Receives each written document after it is stored. @returns resolves when all subscribers have received it */
export type ChangeListener = (change: Change) => Promise<unknown> | undefined;

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
 * @param translate returns the error for callers, for one of the backend
 * @param release releases files and connections, after all writes have ended
 */
export async function buildStore(
	open: (name: CollectionName) => Promise<Backend>,
	translate: Translate = (error) => error,
	release: () => Promise<void> = async () => {},
): Promise<OpenStore> {
	const running = new Set<Promise<unknown>>();
	let closing: Promise<void> | undefined;
	const gate: WriteGate = async (task) => {
		if (closing) throw new StoreError('unusable', 'The store is closed.');
		const write = task();
		running.add(write);
		try {
			return await write;
		} finally {
			running.delete(write);
		}
	};
	const listeners = new Set<ChangeListener>();
	const opened: [string, Collection<never>][] = [];
	for (const [key, name] of Object.entries(collectionNames) as [keyof Store, CollectionName][]) {
		const announce: Announce = (options) => {
			if (options?.silent || listeners.size === 0) return undefined;
			return (written) => {
				const { action, before, after } = written;
				if (before && after && changesNothing(before, after)) return;
				const document = (after ?? before) as Document;
				const change: Change = { collection: key, action, document, ...(action === 'updated' && before && { before }) };
				for (const listener of listeners) {
					const delivered = listener(change);
					if (delivered) options?.onAnnounced?.(delivered);
				}
			};
		};
		opened.push([key, collection(await open(name), name, gate, announce, translate)]);
	}
	return {
		store: Object.fromEntries(opened) as unknown as Store,
		onChange(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		close() {
			closing ??= Promise.allSettled(running).then(release);
			return closing;
		},
	};
}
