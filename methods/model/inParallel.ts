import { batchesOf } from '../../shared/batches.js';
import { createYielder } from '../../shared/yielding.js';
import { throwIfAborted } from './signal.js';

/** Number of items processed at the same time. Stores overlap concurrent writes, so this is faster. */
const BATCH = 20;

/**
 * Runs `work` for each item, 20 in parallel, and yields to the event loop between batches. After a failure the current
 * batch is completed, and no further batch starts.
 * @param pause a yielder. Code with several lists passes the same yielder for all of them
 * @throws what `work` throws; ClientError `error-timeout` once the signal has fired
 */
export async function inParallel<T>(
	items: readonly T[],
	work: (item: T) => Promise<unknown>,
	signal?: AbortSignal | undefined,
	pause = createYielder(),
): Promise<void> {
	for (const batch of batchesOf(items, BATCH)) {
		throwIfAborted(signal);
		await pause();
		const outcomes = await Promise.allSettled(batch.map(work));
		for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
	}
}

/** Runs `work` for each item of several pages, as `inParallel` does for one list. */
export async function forEachInParallel<T>(
	pages: AsyncIterable<readonly T[]>,
	work: (item: T) => Promise<unknown>,
	signal: AbortSignal | undefined,
): Promise<void> {
	const pause = createYielder();
	for await (const page of pages) await inParallel(page, work, signal, pause);
}
