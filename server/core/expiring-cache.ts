/** What is remembered for a time and then forgotten, and never more of it than was said. */
export interface ExpiringCacheOptions {
	/** How long an entry is kept, in ms. */
	readonly lifetime: number;
	/** Most entries; beyond it the oldest goes first. */
	readonly max: number;
	/** How large all may be together, as far as that is said of them, likewise. Default: no bound. */
	readonly maxSize?: number;
	/** The time, in ms. */
	now?(): number;
}

interface Entry<V> {
	readonly key: string;
	readonly value: V;
	readonly until: number;
	readonly size: number;
	older: Entry<V> | undefined;
	newer: Entry<V> | undefined;
}

/**
 * A map whose entries fade. One timer looks after all of them, while there are any. They are also linked in the order in
 * which they were put in: to ask a Map for its first entry takes the longer, the more before it were deleted.
 */
export class ExpiringCache<V> {
	readonly #entries = new Map<string, Entry<V>>();
	readonly #lifetime: number;
	readonly #max: number;
	readonly #maxSize: number;
	#totalSize = 0;
	readonly #now: () => number;
	#oldest: Entry<V> | undefined;
	#newest: Entry<V> | undefined;
	#timer: NodeJS.Timeout | undefined;

	constructor({ lifetime, max, maxSize = Number.POSITIVE_INFINITY, now = Date.now }: ExpiringCacheOptions) {
		this.#lifetime = lifetime;
		this.#max = max;
		this.#maxSize = maxSize;
		this.#now = now;
	}

	/** How many there are, with those that have faded and were not yet cleared away. */
	get size(): number {
		return this.#entries.size;
	}

	get(key: string): V | undefined {
		const entry = this.#entries.get(key);
		return entry && this.#now() < entry.until ? entry.value : undefined;
	}

	/**
	 * Puts an entry in, as the newest.
	 * @param extra how much longer than others it is kept, in ms
	 * @param size how large it is; one that is larger than all may be together is not kept
	 */
	set(key: string, value: V, { extra = 0, size = 0 }: { extra?: number; size?: number } = {}): void {
		this.delete(key);
		if (size > this.#maxSize) return;
		const until = this.#now() + this.#lifetime + extra;
		const entry: Entry<V> = { key, value, until, size, older: this.#newest, newer: undefined };
		if (this.#newest) this.#newest.newer = entry;
		else this.#oldest = entry;
		this.#newest = entry;
		this.#entries.set(key, entry);
		this.#totalSize += size;
		while (this.#oldest && (this.#entries.size > this.#max || this.#totalSize > this.#maxSize))
			this.delete(this.#oldest.key);
		if (!this.#timer) this.#clearLater();
	}

	delete(key: string): void {
		const entry = this.#entries.get(key);
		if (!entry) return;
		this.#entries.delete(key);
		this.#totalSize -= entry.size;
		if (entry.older) entry.older.newer = entry.newer;
		else this.#oldest = entry.newer;
		if (entry.newer) entry.newer.older = entry.older;
		else this.#newest = entry.older;
	}

	/** Clears away what has faded; up to the first that has not, for they stand in the order of their time, or nearly so. */
	#clear(): void {
		const now = this.#now();
		while (this.#oldest && this.#oldest.until <= now) this.delete(this.#oldest.key);
		this.#clearLater();
	}

	#clearLater(): void {
		this.#timer = this.#entries.size > 0 ? setTimeout(() => this.#clear(), this.#lifetime).unref() : undefined;
	}
}
