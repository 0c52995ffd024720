/** What is remembered for a time and then forgotten, and never more of it than was said. */
export interface FadingOptions {
	/** How long an entry is kept, in ms. */
	readonly lifetime: number;
	/** Most entries; beyond it the oldest goes first. */
	readonly max: number;
	/** The time, in ms. */
	now?(): number;
}

interface Entry<V> {
	readonly value: V;
	readonly until: number;
}

/** A map whose entries fade. One timer looks after all of them, while there are any. */
export class Fading<V> {
	/** In the order in which they were put in. */
	readonly #entries = new Map<string, Entry<V>>();
	readonly #lifetime: number;
	readonly #max: number;
	readonly #now: () => number;
	#timer: NodeJS.Timeout | undefined;

	constructor({ lifetime, max, now = Date.now }: FadingOptions) {
		this.#lifetime = lifetime;
		this.#max = max;
		this.#now = now;
	}

	/** Those that have not been cleared away. */
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
	 */
	set(key: string, value: V, extra = 0): void {
		this.#entries.delete(key);
		this.#entries.set(key, { value, until: this.#now() + this.#lifetime + extra });
		const oldest = this.#entries.size > this.#max && this.#entries.keys().next();
		if (oldest && !oldest.done) this.#entries.delete(oldest.value);
		if (!this.#timer) this.#clearLater();
	}

	delete(key: string): void {
		this.#entries.delete(key);
	}

	/** Clears away what has faded; up to the first that has not, for they stand in the order of their time, or nearly so. */
	#clear(): void {
		const now = this.#now();
		for (const [key, { until }] of this.#entries) {
			if (now < until) break;
			this.#entries.delete(key);
		}
		this.#clearLater();
	}

	#clearLater(): void {
		this.#timer = this.#entries.size > 0 ? setTimeout(() => this.#clear(), this.#lifetime).unref() : undefined;
	}
}
