/** What `roomkey import` and `roomkey export` share. */
import type { CollectionName } from '../../shared/indexes.js';
import { type Collection, collectionNames, type Store } from '../../shared/store.js';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';
import type { Document } from '../../shared/values.js';
import { deniedError, explainUnreadable, isDenied } from '../dataFolder/access.js';
import { fullDiskError, isFullDisk } from '../dataFolder/manifest.js';

/** `done` and `total` are bytes in an import, documents in an export. */
export type Progress = (file: string, done: number, total: number) => void;

/** All collections except the short-lived state that processes share. */
export const TRANSFERRED = (Object.entries(collectionNames) as [keyof Store, CollectionName][]).filter(
	([key]) => key !== 'sharedState',
);

/** A collection of a store, for documents of any type. */
export function collectionOf(store: Store, key: keyof Store): Collection<Document> {
	return store[key] as unknown as Collection<Document>;
}

/**
 * Converts an error of the file system to a StoreError, and returns other errors unchanged.
 * @param folder the folder that the error names if writing is denied
 */
export function fileError(error: unknown, path: string, action: 'read' | 'written', folder = path): unknown {
	if (!(error instanceof Error) || !('syscall' in error)) return error;
	if (isFullDisk(error)) return fullDiskError(path);
	if (isDenied(error) && action === 'written') return deniedError(folder);
	const reason = isDenied(error) ? explainUnreadable(path) : `${reasonOf(error)}.`;
	return new StoreError('unusable', `${path} cannot be ${action}: ${reason}`, { cause: error });
}
