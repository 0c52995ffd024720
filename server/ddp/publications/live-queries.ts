/** The live queries of each server, by collection. */
import type { Store } from '../../../shared/store.js';
import type { Bus } from '../../cluster/bus.js';
import { CollectionQueries, type LiveQueryObserver } from './collection-queries.js';

export interface LiveQueryServices {
	readonly store: Store;
	readonly bus: Bus;
	readonly liveQueryObserver?: LiveQueryObserver | undefined;
}

const queriesByBus = new WeakMap<Bus, Map<string, CollectionQueries>>();

/** The live queries on a collection. Each server has its own bus, and so its own live queries. */
export function liveQueriesOf(
	{ store, bus, liveQueryObserver }: LiveQueryServices,
	collection: keyof Store,
): CollectionQueries {
	let collections = queriesByBus.get(bus);
	if (!collections) {
		collections = new Map();
		queriesByBus.set(bus, collections);
	}
	let queries = collections.get(collection);
	if (!queries) {
		queries = new CollectionQueries(collection, store, bus, liveQueryObserver);
		collections.set(collection, queries);
	}
	return queries;
}

/** Runs all live queries on a collection again, and publishes what differs. @throws if a query fails */
export async function refreshLiveQueries(bus: Bus, collection: string): Promise<void> {
	await queriesByBus.get(bus)?.get(collection)?.refresh();
}

/** Like `refreshLiveQueries`, for all collections. */
export async function refreshAllLiveQueries(bus: Bus): Promise<void> {
	for (const queries of [...(queriesByBus.get(bus)?.values() ?? [])]) await queries.refresh();
}

/** Ids of documents in the results of live queries. An id may occur repeatedly. */
export function observedIds(bus: Bus, collection: string): Iterable<string> {
	return queriesByBus.get(bus)?.get(collection)?.observedIds() ?? [];
}
