/** A count for each of a few keys. */
export class Counts<K extends string> {
	readonly #counts = new Map<K, number>();

	/** @param keys begin with a count of 0, so that a metric shows their first increase */
	constructor(keys: readonly K[] = []) {
		for (const key of keys) this.#counts.set(key, 0);
	}

	add(key: K, by = 1): void {
		this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
	}

	get(key: K): number {
		return this.#counts.get(key) ?? 0;
	}

	[Symbol.iterator](): Iterator<[K, number]> {
		return this.#counts.entries();
	}
}
