/** Builds a store from its collections: opens them, runs and announces their writes, and closes them. */
import type { Db } from 'mongodb';
import type { CollectionDefinition } from '../../shared/collections.js';
import { type IndexedCollection, indexes } from '../../shared/indexes.js';
import { type Change, type Collection, collectionNames, type Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import type { ObserverSlot, StoreObserver } from '../../shared/storeObserver.js';
import type { Document } from '../../shared/values.js';
import { changesNothing } from '../query/update.js';
import { type Announce, type Backend, collection, type Translate, type WriteGate } from './collection.js';

/** What happens to missing indexes of MongoDB: they are made, only named in the log, or not looked at. */
export type IndexMode = 'make' | 'report' | 'leave';

/** A collection to open. */
export interface CollectionSpec extends IndexedCollection {
	/** Its property name in `Store`. */
	readonly key: string;
	readonly isDeclared?: boolean;
}

/** The collections of a store: the built-in ones, and those that an application declares. */
export function collectionSpecs(declared: readonly CollectionDefinition[]): CollectionSpec[] {
	const builtIn = Object.entries(collectionNames).map(([key, name]) => ({ key, name, indexes: indexes[name] ?? [] }));
	const ofApplication = declared.map(({ key, name, indexes }) => ({
		key,
		name,
		isDeclared: true,
		indexes: indexes.map(({ fields, unique = false, sparse = false }) => ({ fields, unique, sparse })),
	}));
	return [...builtIn, ...ofApplication];
}

/** Receives each change after it is stored. May return a promise that resolves when all subscribers have received it. */
export type ChangeListener = (change: Change) => Promise<unknown> | undefined;

/** An open store, with the function to close it. */
export interface OpenStore {
	readonly store: Store;
	/**
	 * Calls the listener for each document that a write has changed, before the write resolves. Silent writes are left out.
	 * Returns a function that removes the listener.
	 */
	onChange(listener: ChangeListener): () => void;
	/** Observes all operations from now on. */
	observe(observer: StoreObserver): void;
	/**
	 * The same text in all processes that use this data; undefined if no other process can. A copy of the data has another
	 * text.
	 */
	readonly identity?: string;
	/** The database, only of a store on MongoDB. */
	readonly db?: Db;
	/** Refuses further writes, waits for running ones, and releases files and connections. */
	close(): Promise<void>;
}

/**
 * Opens all collections one after the other.
 * @param release releases files and connections; `close` calls it when all writes have ended
 */
export async function buildStore(
	declared: readonly CollectionDefinition[],
	open: (spec: CollectionSpec) => Promise<Backend>,
	translate: Translate = (error) => error,
	release: () => Promise<void> = async () => {},
): Promise<OpenStore> {
	const runningWrites = new Set<Promise<unknown>>();
	let closing: Promise<void> | undefined;
	const gate: WriteGate = async (task) => {
		if (closing) throw new StoreError('unusable', 'The store is closed.');
		const write = task();
		runningWrites.add(write);
		try {
			return await write;
		} finally {
			runningWrites.delete(write);
		}
	};
	const listeners = new Set<ChangeListener>();
	const opened: [string, Collection<never>][] = [];
	/** By the name of the collection. */
	const observerSlots = new Map<string, ObserverSlot>();
	for (const spec of collectionSpecs(declared)) {
		const { key, name } = spec;
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
		const slot: ObserverSlot = { observer: undefined };
		observerSlots.set(name, slot);
		opened.push([key, collection(await open(spec), name, gate, announce, translate, slot)]);
	}
	return {
		store: Object.fromEntries(opened) as unknown as Store,
		onChange(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		observe(observer) {
			for (const [name, slot] of observerSlots) slot.observer = observer.observeCollection(name);
		},
		close() {
			closing ??= Promise.allSettled(runningWrites).then(release);
			return closing;
		},
	};
}
