/** Removes expired documents of the state that the processes of one service share. */
import { SILENT } from '../../methods/model/sharedState.js';
import type { Log } from '../../shared/log.js';
import { isShared, type Store } from '../../shared/store.js';
import { repeat } from './repeat.js';

const SWEEP_INTERVAL_MS = 60_000;

/** How long expired documents stay, in ms: the clocks of the processes may differ. */
const SWEEP_DELAY_MS = 60_000;

/** Removes documents that have expired at least `SWEEP_DELAY_MS` ago. */
export async function sweepSharedState({ sharedState }: Store, now = Date.now()): Promise<void> {
	await sharedState.deleteMany({ until: { $lt: new Date(now - SWEEP_DELAY_MS) } }, SILENT);
}

/**
 * Removes expired documents at intervals, if the store is shared. MongoDB also removes them itself.
 * @returns a function that stops the sweeps; its promise resolves when no sweep runs any more
 */
export function sweepAtIntervals(store: Store, log: Log): () => Promise<void> {
	if (!isShared(store)) return async () => {};
	return repeat(
		() => sweepSharedState(store),
		SWEEP_INTERVAL_MS,
		(err) => log.warn({ err }, 'Expired shared state could not be removed'),
	);
}
