/** Runs writes to MongoDB, or to FerretDB (MongoDB's protocol on PostgreSQL), with the same errors for both. */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../shared/storeErrors.js';

/** Maximum number of attempts. The delays between them add up to 13 seconds at most. The caller receives the last error. */
const MAX_TRIES = 7;

/** MongoDB's code of a violated unique index. */
const DUPLICATE_KEY = 11000;

/**
 * Runs a write, and repeats it if the database has rolled it back to resolve a deadlock. MongoDB repeats such writes itself.
 * FerretDB 2.7 returns PostgreSQL's error `deadlock detected` instead: when concurrent writes lock the same entries of a
 * unique index, and when several processes make indexes concurrently.
 */
export async function runWrite<R>(task: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await task();
		} catch (error) {
			if (isUniqueViolation(error)) throw Object.assign(error, { code: DUPLICATE_KEY });
			if (tries === MAX_TRIES || !/deadlock detected/.test(reasonOf(error))) throw error;
			// The delay is random, so that the writes do not conflict again. Its maximum doubles each time.
			const maxDelayMs = 100 * 2 ** tries;
			await delay(Math.random() * maxDelayMs);
		}
	}
}

/** Whether FerretDB 2.7 has returned PostgreSQL's error of a violated unique index, as it does for `findOneAndUpdate`. */
function isUniqueViolation(error: unknown): error is Error {
	const isInternal = (error as { code?: unknown } | null)?.code === 1;
	return isInternal && /violates (exclusion|unique) constraint/.test(reasonOf(error));
}
