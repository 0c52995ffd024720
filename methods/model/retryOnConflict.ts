/** Optimistic concurrency: read a document, write it only if it has not changed since then; otherwise read it again. */
import { clientError } from '../../shared/errors.js';
import type { Collection, Filter, UpdateFilter, WriteOptions } from '../../shared/store.js';
import { throwIfAborted } from './signal.js';

/** What an attempt returns if the document has changed between its read and its write. */
export const CONFLICT = Symbol('the document has changed since it was read');

/** After this many conflicts in a row, the attempt is wrong: for example, its write has a filter that never matches. */
const MAX_ATTEMPTS = 10_000;

/**
 * Repeats an attempt until it succeeds without a conflict.
 *
 * @param attempt reads, decides and writes; returns `CONFLICT` if the document has changed since it was read. Receives
 * the number of the attempt, from 1
 * @throws ClientError `error-timeout` once the signal has fired, or after 10,000 conflicts
 */
export async function retryOnConflict<R>(
	attempt: (attemptNumber: number) => Promise<R | typeof CONFLICT>,
	signal?: AbortSignal,
): Promise<R> {
	for (let attemptNumber = 1; attemptNumber <= MAX_ATTEMPTS; attemptNumber++) {
		throwIfAborted(signal);
		const outcome = await attempt(attemptNumber);
		if (outcome !== CONFLICT) return outcome;
	}
	throw clientError('timeout');
}

export interface ConditionalWrite<T> {
	/** Matches the document only if it still has the values that the update was computed from. */
	readonly whereUnchanged: Filter<T>;
	readonly update: UpdateFilter<T>;
}

/**
 * Updates a document with values computed from its stored values.
 *
 * @param read reads the document, again after each conflict; null if the document does not exist
 * @param change computes the write; null leaves the document unchanged
 * @returns the document after the write; null if nothing was written
 */
export function updateIfUnchanged<T extends { _id: string }>(
	collection: Collection<T>,
	read: (attemptNumber: number) => Promise<T | null> | T | null,
	change: (current: T) => ConditionalWrite<T> | null | Promise<ConditionalWrite<T> | null>,
	options?: WriteOptions,
): Promise<T | null> {
	return retryOnConflict(async (attemptNumber) => {
		const current = await read(attemptNumber);
		const write = current && (await change(current));
		if (!write) return null;
		const updated = await collection.findOneAndUpdate(write.whereUnchanged, write.update, {
			...options,
			returnDocument: 'after',
		});
		return updated ?? CONFLICT;
	});
}
