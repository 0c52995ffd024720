/** Refreshes what clients observe of a collection, after writes of other processes or programs may have been missed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../shared/log.js';
import type { Collection, Store } from '../../shared/store.js';
import type { Bus } from '../cluster/bus.js';
import type { ChangedElsewhere } from '../cluster/changedElsewhere.js';
import { refreshLiveQueries } from '../ddp/publications/live-queries.js';

export interface RefresherParts {
	readonly store: Store;
	readonly bus: Bus;
	readonly log: Log;
	readonly changedElsewhere: () => ChangedElsewhere;
	/** Authorizes all readers of room events again. */
	reauthorizeAll(): Promise<void>;
	/** Fires when the server closes. */
	readonly closing: AbortSignal;
}

/** Small collections. A refresh reports each of their documents as changed. */
const REPORTED_AS_A_WHOLE: ReadonlySet<string> = new Set(['permissions', 'settings']);

/** Collections on which the access to rooms depends. */
const AFFECTS_ACCESS: ReadonlySet<string> = new Set(['subscriptions', 'rooms', 'users', 'permissions', 'teamMembers']);

/** Time before a failed attempt is repeated, in ms. */
const RETRY_MS = 1000;

/**
 * Makes a function that refreshes a collection, given its key in the store. Requests during a refresh of the same collection
 * together cause one more refresh.
 */
export function createCollectionRefresher(parts: RefresherParts): (collection: string) => void {
	const { store, bus, log, closing } = parts;
	const running = new Set<string>();
	const requested = new Set<string>();

	async function refresh(collection: string): Promise<void> {
		await refreshLiveQueries(bus, collection);
		if (REPORTED_AS_A_WHOLE.has(collection)) {
			const source = store[collection as keyof Store] as unknown as Collection<{ _id: string }>;
			const { report } = parts.changedElsewhere();
			for await (const { _id } of source.find({}, { projection: { _id: 1 } })) report(collection, _id);
		}
		if (AFFECTS_ACCESS.has(collection)) await parts.reauthorizeAll();
	}

	async function refreshWhileRequested(collection: string): Promise<void> {
		running.add(collection);
		while (!closing.aborted && requested.delete(collection)) {
			try {
				await refresh(collection);
			} catch (err) {
				if (closing.aborted) return;
				log.warn({ err, collection }, 'A collection could not be read again; another attempt follows');
				requested.add(collection);
				await delay(RETRY_MS, undefined, { ref: false, signal: closing }).catch(() => {});
			}
		}
		running.delete(collection);
	}

	return (collection) => {
		if (!Object.hasOwn(store, collection)) return;
		requested.add(collection);
		if (!running.has(collection)) void refreshWhileRequested(collection);
	};
}
