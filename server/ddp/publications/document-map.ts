/**
 * A map with keys of collection and id, as in DDP messages. An idle client has one document, its own user. A single
 * entry is kept in the map itself. Measured: a Map in a Map takes 290 bytes more of an idle client.
 */
export class DocumentMap<V> {
	#collection: string | undefined;
	#key: string | undefined;
	#value: V | undefined;
	/** All entries, after a second one was added. */
	#many: Map<string, Map<string, V>> | undefined;

	get(collection: string, key: string): V | undefined {
		if (this.#many) return this.#many.get(collection)?.get(key);
		return this.#collection === collection && this.#key === key ? this.#value : undefined;
	}

	set(collection: string, key: string, value: V): void {
		if (!this.#many) {
			if (this.#collection === undefined || (this.#collection === collection && this.#key === key)) {
				this.#collection = collection;
				this.#key = key;
				this.#value = value;
				return;
			}
			this.#many = new Map([[this.#collection, new Map(this.of(this.#collection))]]);
			this.#collection = this.#key = this.#value = undefined;
		}
		const documents = this.#many.get(collection);
		if (documents) documents.set(key, value);
		else this.#many.set(collection, new Map([[key, value]]));
	}

	delete(collection: string, key: string): void {
		if (!this.#many) {
			if (this.#collection === collection && this.#key === key) this.#collection = this.#key = this.#value = undefined;
			return;
		}
		const documents = this.#many.get(collection);
		if (documents?.delete(key) && documents.size === 0) this.#many.delete(collection);
	}

	/** Collections that have entries, in the order in which they were added. */
	collections(): Iterable<string> {
		if (this.#many) return this.#many.keys();
		return this.#collection === undefined ? [] : [this.#collection];
	}

	/** Entries of one collection, by id, in the order in which they were added. */
	of(collection: string): Iterable<[string, V]> {
		if (this.#many) return this.#many.get(collection) ?? [];
		return this.#collection === collection ? [[this.#key as string, this.#value as V]] : [];
	}
}
