/** Repeats a write that the database has rolled back because of a conflict with other writes. */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../shared/storeErrors.js';

/** How many times a write is tried before a deadlock is an error for the caller. */
const MAX_TRIES = 7;

/**
 * Repeats a write that was rolled back to resolve a deadlock. MongoDB does so itself; FerretDB 2.7 passes on
 * PostgreSQL's error when concurrent writes conflict in a unique index.
 */
export async function persist<R>(task: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await task();
		} catch (error) {
			if (tries === MAX_TRIES || !/deadlock detected/.test(reasonOf(error))) throw error;
			// A random delay up to a bound that doubles each time, so that the writes do not conflict again.
			await delay(Math.random() * 100 * 2 ** tries);
		}
	}
}
