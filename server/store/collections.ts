/** Combines collections to a store. */
import { isDeepStrictEqual } from 'node:util';
import type { CollectionDefinition } from '../../shared/collections.js';
import { type Change, type Collection, collectionNames, type Store } from '../../shared/store.js';
import { type Announce, type Backend, collection, type Written } from './collection.js';
import { openGate } from './gate.js';
import { type IndexSpec, indexes } from './indexes.js';

export type { CollectionName } from './indexes.js';

import type { Document } from './values.js';

/** A collection to open. */
export interface CollectionSpec {
	/** Its key in the store. */
	readonly key: string;
	/** Its name in the database. */
	readonly name: string;
	readonly indexes: readonly IndexSpec[];
}

/** The collections of a store: Roomkey's own, and those that an application declares. */
function specs(declared: readonly CollectionDefinition[]): CollectionSpec[] {
	const own = Object.entries(collectionNames).map(([key, name]) => ({ key, name, indexes: indexes[name] ?? [] }));
	const added = declared.map(({ key, name, indexes }) => ({
		key,
		name,
		indexes: indexes.map(({ fields, unique = false, sparse = false }) => ({ fields, unique, sparse })),
	}));
	return [...own, ...added];
}

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
 * @param declared the collections of the application
 * @param open opens one collection
 * @param release releases files and connections, after all writes have ended
 */
export async function buildStore(
	declared: readonly CollectionDefinition[],
	open: (spec: CollectionSpec) => Promise<Backend>,
	release: () => Promise<void> = async () => {},
): Promise<OpenStore> {
	const gate = openGate();
	const listeners = new Set<ChangeListener>();
	const opened: [string, Collection<never>][] = [];
	for (const spec of specs(declared)) {
		const { key, name } = spec;
		const announce: Announce = (options) => {
			if (options?.silent || listeners.size === 0) return undefined;
			return (written) => {
				if (changesNothing(written)) return;
				const { action, before, after } = written;
				const document = (after ?? before) as Document;
				const change: Change = { collection: key, action, document, ...(action === 'updated' && before && { before }) };
				for (const listener of listeners) {
					const delivered = listener(change);
					if (delivered) options?.onAnnounced?.(delivered);
				}
			};
		};
		opened.push([key, collection(await open(spec), name, gate, announce)]);
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

/** Whether an update has changed no field but `_updatedAt`. */
function changesNothing({ before, after }: Written): boolean {
	if (!before || !after) return false;
	const fields = Object.keys(after);
	if (fields.length !== Object.keys(before).length) return false;
	return fields.every((field) => {
		const [was, is] = [before[field], after[field]];
		return field === '_updatedAt' || was === is || (Object.hasOwn(before, field) && isDeepStrictEqual(was, is));
	});
}
