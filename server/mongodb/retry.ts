/** Repeats writes that conflict with other writes. */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../shared/storeErrors.js';

/** Maximum number of attempts. After the last one, the caller receives the error. */
const MAX_TRIES = 7;

/**
 * Runs a write, and repeats it if the database has rolled it back to resolve a deadlock. MongoDB repeats such writes itself.
 * FerretDB 2.7 returns PostgreSQL's error when concurrent writes conflict in a unique index, and when several processes make
 * indexes concurrently.
 */
export async function retryOnDeadlock<R>(task: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await task();
		} catch (error) {
			if (tries === MAX_TRIES || !/deadlock detected/.test(reasonOf(error))) throw error;
			// The delay is random, so that the writes do not conflict again. Its maximum doubles each time.
			const maxDelayMs = 100 * 2 ** tries;
			await delay(Math.random() * maxDelayMs);
		}
	}
}
