/** Values that are read from the store again and again, and cached for a second, as in Rocket.Chat. */
import { ExpiringCache } from '../../shared/expiringCache.js';
import type { Store } from '../../shared/store.js';

/** In ms. A change that is made elsewhere takes effect at most that much later. */
const TTL_MS = 1000;

/** More keys than there are settings and permissions. */
const MAX_KEYS = 1000;

export interface CachedReads<T> {
	/** The cached value of a key, or else the value in the store. */
	get(store: Store, key: string): Promise<T>;
	/** Removes a key that was written: the next `get` reads it. */
	forget(store: Store, key: string): void;
}

/** Caches what `read` finds, for each store by itself. */
export function cachedReads<T>(read: (store: Store, key: string) => Promise<T>): CachedReads<T> {
	const caches = new WeakMap<Store, ExpiringCache<Promise<T>>>();
	return {
		get(store, key) {
			let cache = caches.get(store);
			if (!cache) {
				cache = new ExpiringCache({ ttl: TTL_MS, max: MAX_KEYS });
				caches.set(store, cache);
			}
			const cached = cache.get(key);
			if (cached) return cached;
			const value = read(store, key);
			cache.set(key, value);
			// A read that failed is no answer: the next call reads again.
			value.catch(() => cache.get(key) === value && cache.delete(key));
			return value;
		},
		forget: (store, key) => caches.get(store)?.delete(key),
	};
}
