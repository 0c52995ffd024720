/**
 * A map for what is nearly always one entry or none, of which every client has several: it keeps one entry in itself, and
 * becomes a Map, which takes four times the memory, with the second.
 */
export class SmallMap<V> {
	#key: string | undefined;
	#value: V | undefined;
	/** All entries, once there have been two. */
	#many: Map<string, V> | undefined;

	get size(): number {
		if (this.#many) return this.#many.size;
		return this.#key === undefined ? 0 : 1;
	}

	get(key: string): V | undefined {
		if (this.#many) return this.#many.get(key);
		return key === this.#key ? this.#value : undefined;
	}

	has(key: string): boolean {
		return this.#many ? this.#many.has(key) : key === this.#key;
	}

	set(key: string, value: V): void {
		if (this.#many) {
			this.#many.set(key, value);
		} else if (this.#key === undefined || this.#key === key) {
			this.#key = key;
			this.#value = value;
		} else {
			this.#many = new Map([...this, [key, value]]);
			this.#key = undefined;
			this.#value = undefined;
		}
	}

	/** @returns whether it was there */
	delete(key: string): boolean {
		if (this.#many) return this.#many.delete(key);
		if (this.#key !== key) return false;
		this.#key = undefined;
		this.#value = undefined;
		return true;
	}

	clear(): void {
		this.#many = undefined;
		this.#key = undefined;
		this.#value = undefined;
	}

	/** Entries in the order in which their keys came. */
	*[Symbol.iterator](): IterableIterator<[string, V]> {
		if (this.#many) yield* this.#many;
		else if (this.#key !== undefined) yield [this.#key, this.#value as V];
	}

	*keys(): IterableIterator<string> {
		for (const [key] of this) yield key;
	}

	*values(): IterableIterator<V> {
		for (const [, value] of this) yield value;
	}
}
