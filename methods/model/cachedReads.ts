/** Caches values that are often read from the store. Each is cached for one second, as in Rocket.Chat. */
import { ExpiringCache } from '../../shared/expiringCache.js';
import { type Store, sourceOf } from '../../shared/store.js';

/** How long a value is cached, in ms. A change by another process takes effect after this time at the latest. */
const TTL_MS = 1000;

/** Maximum number of cached values: more than there are settings or permissions. */
const MAX_KEYS = 1000;

export interface CachedReads<T> {
	/** The cached value of a key, or else the value in the store. */
	get(store: Store, key: string): Promise<T>;
	/** Removes a key from the cache, after a write. */
	forget(store: Store, key: string): void;
}

/** The caches of all calls of `cachedReads`. */
const allCaches = new Set<WeakMap<Store, unknown>>();

/** Forgets all cached values of a store, because other processes may have written to the store. */
export function forgetCachedReads(store: Store): void {
	for (const caches of allCaches) caches.delete(sourceOf(store));
}

/** Creates a cache for the results of `read`, separate for each store. */
export function cachedReads<T>(read: (store: Store, key: string) => Promise<T>): CachedReads<T> {
	const caches = new WeakMap<Store, ExpiringCache<Promise<T>>>();
	allCaches.add(caches);
	return {
		get(store, key) {
			const source = sourceOf(store);
			let cache = caches.get(source);
			if (!cache) {
				cache = new ExpiringCache({ ttl: TTL_MS, max: MAX_KEYS });
				caches.set(source, cache);
			}
			const cached = cache.get(key);
			if (cached) return cached;
			const value = read(store, key);
			cache.set(key, value);
			// A failed read is not cached.
			value.catch(() => {
				if (cache.get(key) === value) cache.delete(key);
			});
			return value;
		},
		forget: (store, key) => caches.get(sourceOf(store))?.delete(key),
	};
}
