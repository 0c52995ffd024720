/** A cache whose entries expire, with a maximum size. It is built on the package `lru-cache`. */
import { LRUCache } from 'lru-cache';
import { MAX_TIMER_MS } from './timers.js';

export interface ExpiringCacheOptions<V = unknown> {
	/** How long an entry is kept, in ms. */
	readonly ttl: number;
	/** Maximum number of entries. The oldest are evicted first. */
	readonly max: number;
	/** Maximum total size. Entries without a size count as 1. Default: no maximum. */
	readonly maxSize?: number;
	/** Called for an entry that is removed because the cache is full. */
	onEvict?(key: string, value: V): void;
	/** Returns the present time, in ms. Default: `Date.now`. */
	now?(): number;
}

/** Options of one entry. */
export interface EntryOptions {
	/** How long it is kept, in ms. Default: the cache's `ttl`. */
	readonly ttl?: number;
	/** Counts towards `maxSize`. Default 1. An entry larger than `maxSize` is not kept. */
	readonly size?: number;
}

/**
 * Converts a ttl in ms to the time unit that `lru-cache` is given here: half a millisecond. `lru-cache` keeps an entry
 * until its age exceeds the ttl. Here an entry expires when its age reaches the ttl, so one unit is subtracted.
 */
const halfMs = (ttl: number) => 2 * ttl - 1;

/** A map of strings to values whose entries expire. While it has entries, one timer removes the expired ones. */
export class ExpiringCache<V extends object | string | number> {
	readonly #entries: LRUCache<string, V>;
	readonly #ttl: number;
	readonly #max: number;
	#timer: NodeJS.Timeout | undefined;

	constructor({ ttl, max, maxSize = Number.MAX_SAFE_INTEGER, now = Date.now, onEvict }: ExpiringCacheOptions<V>) {
		this.#ttl = ttl;
		this.#max = max;
		const perf = { now: () => 2 * now() };
		// The option `max` is not set, because `lru-cache` reserves memory for that many entries when it is made.
		this.#entries = new LRUCache({
			maxSize,
			ttl: halfMs(ttl),
			ttlResolution: 0,
			perf,
			...(onEvict && { dispose: (value: V, key: string, reason: string) => reason === 'evict' && onEvict(key, value) }),
		});
	}

	/** Number of entries, including expired ones that are not yet removed. */
	get size(): number {
		return this.#entries.size;
	}

	/** The value of an entry that has not expired. */
	get(key: string): V | undefined {
		// Unlike `get` of `lru-cache`, `peek` does not make the entry the newest.
		return this.#entries.peek(key);
	}

	/** Stores an entry, or replaces the entry with the same key. */
	set(key: string, value: V, { ttl = this.#ttl, size = 1 }: EntryOptions = {}): void {
		// `lru-cache` does not update the size if the same value is stored again.
		this.#entries.delete(key);
		if (this.#entries.size >= this.#max) this.#entries.pop();
		this.#entries.set(key, value, { ttl: halfMs(ttl), size: Math.max(1, size) });
		if (!this.#timer) this.#purgeLater();
	}

	delete(key: string): void {
		this.#entries.delete(key);
	}

	#purgeLater(): void {
		const wait = Math.min(this.#ttl, MAX_TIMER_MS);
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			this.#entries.purgeStale();
			if (this.#entries.size > 0) this.#purgeLater();
		}, wait).unref();
	}
}
