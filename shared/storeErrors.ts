/** Errors of a store. */
import { StoreUnavailableError } from './errors.js';

/**
 * - `in-use`: another process uses the folder
 * - `other-format`: the folder holds data that this version does not read
 * - `damaged`: a file is missing, truncated, or was not written by Roomkey
 * - `full`: the disk has no space left
 * - `unusable`: the store cannot be used for another reason, which the message states
 * - `unreachable`: the database does not answer, or refuses the connection
 */
export type StoreFailure = 'in-use' | 'other-format' | 'damaged' | 'full' | 'unusable' | 'unreachable';

/** The store cannot be opened or can no longer be written. The message is for the operator. */
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

/** A write violated a unique index. The message does not contain the value, which may be a key or a token. */
export class DuplicateKeyError extends Error {
	readonly code = 11000;

	constructor(collection: string) {
		super(`A unique index of ${collection} already holds that value`);
		this.name = 'DuplicateKeyError';
	}
}

/** Whether a write violated a unique index. Every store uses MongoDB's code. */
export function isDuplicateKey(error: unknown): boolean {
	return (error as { code?: unknown } | null)?.code === 11000;
}

/** The reason of an error, as a clause for a message. */
export function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
