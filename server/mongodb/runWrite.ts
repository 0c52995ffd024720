/** Runs writes to MongoDB, or to FerretDB (MongoDB's protocol on PostgreSQL), with the same errors for both. */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../shared/storeErrors.js';

/** Maximum number of attempts. The delays between them add up to 13 seconds at most. */
const MAX_TRIES = 7;

const DUPLICATE_KEY = 11000;

/**
 * Runs a write, and repeats it after a deadlock. MongoDB itself repeats such a write, but FerretDB 2.7 returns
 * PostgreSQL's error `deadlock detected`. Deadlocks happen to concurrent writes to a unique index, and to processes
 * that make indexes concurrently.
 */
export async function runWrite<R>(task: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await task();
		} catch (error) {
			if (isUniqueViolation(error)) throw Object.assign(error, { code: DUPLICATE_KEY });
			if (tries === MAX_TRIES || !/deadlock detected/.test(reasonOf(error))) throw error;
			// The delay is random, so that the writes do not conflict again.
			const maxDelayMs = 100 * 2 ** tries;
			await delay(Math.random() * maxDelayMs);
		}
	}
}

/** Recognizes PostgreSQL's error of a violated unique index, which FerretDB 2.7 returns for `findOneAndUpdate`. */
function isUniqueViolation(error: unknown): error is Error {
	const isInternal = (error as { code?: unknown } | null)?.code === 1;
	return isInternal && /violates (exclusion|unique) constraint/.test(reasonOf(error));
}
