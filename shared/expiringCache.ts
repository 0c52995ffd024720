/** A cache of limited size whose entries expire. */
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
	/** The time in ms. Default: `Date.now`. */
	now?(): number;
}

export interface EntryOptions {
	/** How long the entry is kept, in ms. Default: the cache's `ttl`. */
	readonly ttl?: number;
	/** Counts towards `maxSize`. Default 1. An entry larger than `maxSize` is not kept. */
	readonly size?: number;
}

/**
 * Converts ms to half ms, the time unit of `lru-cache` here. `lru-cache` keeps an entry until its age exceeds the ttl.
 * Here an entry expires when its age reaches the ttl.
 */
const halfMs = (ttl: number) => 2 * ttl - 1;

/** Maps strings to values that expire. A timer removes expired entries. */
export class ExpiringCache<V extends object | string | number> {
	readonly #entries: LRUCache<string, V>;
	readonly #ttl: number;
	readonly #max: number;
	#timer: NodeJS.Timeout | undefined;

	constructor({ ttl, max, maxSize = Number.MAX_SAFE_INTEGER, now = Date.now, onEvict }: ExpiringCacheOptions<V>) {
		this.#ttl = ttl;
		this.#max = max;
		const perf = { now: () => 2 * now() };
		// With the option `max`, `lru-cache` would reserve memory for that many entries.
		this.#entries = new LRUCache({
			maxSize,
			ttl: halfMs(ttl),
			ttlResolution: 0,
			perf,
			...(onEvict && { dispose: (value: V, key: string, reason: string) => reason === 'evict' && onEvict(key, value) }),
		});
	}

	/** Includes expired entries that are not yet removed. */
	get size(): number {
		return this.#entries.size;
	}

	get(key: string): V | undefined {
		// Unlike `get` of `lru-cache`, `peek` does not make the entry the newest.
		return this.#entries.peek(key);
	}

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
