/** The state that the processes of one service share in the store: kinds of documents, and removal of void ones. */
import { hash } from 'node:crypto';
import type { Log } from '../../shared/log.js';
import { isShared, type Store } from '../../shared/store.js';
import { repeat } from './repeat.js';

/**
 * Kinds of documents of the server, beside `reservation` of `methods/model/keys/providerReservation.ts`: the first word of
 * their ids. Reports of usage are read by a range of ids, so `usage` must be the last in
 * alphabetical order.
 */
export type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'usage';

/** The id of a document. The text can be as long as a frame, so it is hashed. */
export function sharedId(kind: SharedKind, text: string): string {
	return `${kind} ${hash('sha256', text, 'base64')}`;
}

/** Time between two sweeps, in ms. */
const SWEEP_INTERVAL_MS = 60_000;

/** How long void documents stay, in ms: the clocks of the processes may differ. */
const SWEEP_DELAY_MS = 60_000;

/** Removes documents that have been void for a minute. */
export async function sweepSharedState({ sharedState }: Store, now = Date.now()): Promise<void> {
	await sharedState.deleteMany({ until: { $lt: new Date(now - SWEEP_DELAY_MS) } }, { silent: true });
}

/**
 * Removes void documents at intervals, if the store is shared. MongoDB also does so itself.
 * @returns a function that stops it; its promise resolves when no sweep runs any more
 */
export function sweepAtIntervals(store: Store, log: Log): () => Promise<void> {
	if (!isShared(store)) return async () => {};
	return repeat(
		() => sweepSharedState(store),
		SWEEP_INTERVAL_MS,
		(err) => log.warn({ err }, 'Expired shared state could not be removed'),
	);
}
