/** What can go wrong with a store as a whole, and the one refusal of a write that callers tell apart. */
import { StoreUnavailableError } from '../../shared/errors.js';

/**
 * - `in-use`: another process has the folder
 * - `other-format`: the folder holds data that this version does not read
 * - `damaged`: a file is missing, cut, or holds what Roomkey did not write
 * - `full`: the disk has no space left
 * - `unusable`: the folder, a file, an index or the disk does not allow the work
 * - `unreachable`: the database does not answer, or not to us
 */
export type StoreFailure = 'in-use' | 'other-format' | 'damaged' | 'full' | 'unusable' | 'unreachable';

/** The store cannot be opened or can no longer be written. The message is a sentence for the operator of the server. */
export class StoreError extends StoreUnavailableError {
	constructor(
		readonly code: StoreFailure,
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.name = 'StoreError';
	}
}

/** A write met a unique index. Says which collection but never the value, which may be a key or a token. */
export class DuplicateKeyError extends Error {
	/** MongoDB's number, which `isDuplicateKey` tests. */
	readonly code = 11000;

	constructor(collection: string) {
		super(`A unique index of ${collection} already holds that value`);
		this.name = 'DuplicateKeyError';
	}
}

/** The reason of whatever was thrown, as half a sentence. */
export function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
