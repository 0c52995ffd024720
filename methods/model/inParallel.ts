/** Long work on many documents: some at once, with pauses, until the caller has gone. */
import { createYielder } from '../../shared/yielding.js';
import { throwIfAborted } from './signal.js';

/** A store in files brings writes onto the disk together, and a database answers several callers at once. */
const AT_ONCE = 20;

/**
 * Does the same for each item, 20 at once, and lets other callers have their turn in between. Where one fails, those that run
 * with it are completed and nothing else is begun.
 * @throws what `work` throws; ClientError `error-timeout` once the signal has fired
 */
export async function inParallel<T>(
	items: readonly T[],
	work: (item: T) => Promise<unknown>,
	signal?: AbortSignal | undefined,
	yielding = createYielder(),
): Promise<void> {
	for (let i = 0; i < items.length; i += AT_ONCE) {
		throwIfAborted(signal);
		await yielding();
		const outcomes = await Promise.allSettled(items.slice(i, i + AT_ONCE).map(work));
		for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
	}
}

/** The same for each item of some pages. */
export async function forEachInParallel<T>(
	pages: AsyncIterable<readonly T[]>,
	work: (item: T) => Promise<unknown>,
	signal: AbortSignal | undefined,
): Promise<void> {
	const yielding = createYielder();
	for await (const page of pages) await inParallel(page, work, signal, yielding);
}
