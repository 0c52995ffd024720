/** The counters of a process that shares its store with other processes of the same service. */
import { insertIfAbsent } from '../../../methods/model/insertIfAbsent.js';
import { SILENT, sharedId } from '../../../methods/model/sharedState.js';
import { ExpiringCache } from '../../../shared/expiringCache.js';
import type { Log } from '../../../shared/log.js';
import type { Store } from '../../../shared/store.js';
import { type Counters, createCounter, KNOWN_MS, type KnownPairs, MAX_KNOWN } from './counters.js';
import { createStoreCounter } from './storeCounter.js';
import { UsageExchange } from './usageExchange.js';

/**
 * How long this process remembers a stored pair of an account and an address (see `KnownPairs`), in ms. A remembered
 * pair is not read or renewed in the store.
 */
const REMEMBERED_PAIR_MS = 60 * 60 * 1000;

/**
 * The known pairs of all processes, in the store. The number of stored pairs needs no limit: only a successful attempt
 * to authenticate adds a pair, and the pair expires after 30 days. The number of remembered pairs is limited.
 */
function storedPairs({ sharedState }: Store): KnownPairs {
	const remembered = new ExpiringCache<1>({ ttl: REMEMBERED_PAIR_MS, max: MAX_KNOWN });
	return {
		async has(pair) {
			if (remembered.get(pair) !== undefined) return true;
			return (await sharedState.findOne({ _id: sharedId('known', pair), until: { $gt: new Date() } })) !== null;
		},
		async add(pair) {
			if (remembered.get(pair) !== undefined) return;
			const _id = sharedId('known', pair);
			const until = new Date(Date.now() + KNOWN_MS);
			if (!(await insertIfAbsent(sharedState, { _id, until }, SILENT)))
				await sharedState.updateOne({ _id }, { $set: { until } }, SILENT);
			remembered.set(pair, 1);
		},
	};
}

/** Counters that several processes share. */
export interface SharedCounters extends Counters {
	/** Begins the exchange of counts. @returns a function that stops it: see `UsageExchange.start` */
	start(): () => Promise<void>;
}

export function sharedCounters(store: Store, log: Log): SharedCounters {
	const exchange = new UsageExchange(store, log);
	return {
		process: (_name, limit) => createCounter(limit),
		approximate: (name, limit) => exchange.counter(name, limit),
		exact: (name, limit) => createStoreCounter(store, name, limit),
		knownPairs: storedPairs(store),
		start: () => exchange.start(),
	};
}
