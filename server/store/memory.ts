/** The embedded store in memory, without persistence. */
import { LRUCache } from 'lru-cache';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { Document } from '../../shared/values.js';
import { prefixIn } from '../query/indexKeys.js';
import { compareText } from '../query/order.js';
import type { Backend } from './collection.js';
import { buildStore, type CollectionSpec, type OpenStore } from './collections.js';
import { embedded } from './embedded.js';
import { type Documents, type IndexEntries, Table } from './table.js';

/** Opens an empty store. */
export async function openMemory(declared: readonly CollectionDefinition[] = []): Promise<OpenStore> {
	return buildStore(declared, memoryBackend);
}

/** Makes an empty collection in memory. */
export async function memoryBackend({ name, indexes }: CollectionSpec): Promise<Backend> {
	const table = new Table(name, memoryDocuments(), indexes, ({ fields }) => new MemoryIndex(fields.length > 1));
	return embedded(table, async (task) => task());
}

function memoryDocuments(): Documents {
	const documents = new Map<string, Document>();
	return {
		ordered: false,
		returnsCopies: false,
		get: (id) => documents.get(id),
		put: (document) => void documents.set(document._id, document),
		remove: (id) => void documents.delete(id),
		scan: () => documents.values(),
	};
}

class StringSets {
	readonly #texts = new Map<string, Set<string>>();

	/** A copy, because the set may change before the caller has read it. */
	all(key: string): string[] {
		return [...(this.#texts.get(key) ?? [])];
	}

	count(key: string): number {
		return this.#texts.get(key)?.size ?? 0;
	}

	add(key: string, text: string): void {
		const texts = this.#texts.get(key);
		if (texts) texts.add(text);
		else this.#texts.set(key, new Set([text]));
	}

	remove(key: string, text: string): void {
		const texts = this.#texts.get(key);
		if (texts?.delete(text) && texts.size === 0) this.#texts.delete(key);
	}
}

/** Maximum number of prefixes whose sorted keys a compound index keeps. */
const MAX_SORTED = 100;

class MemoryIndex implements IndexEntries {
	readonly #ids = new StringSets();
	/** The keys of a compound index by their prefix (`prefixIn` of `indexKeys.ts`); undefined for an index of one field. */
	readonly #keys: StringSets | undefined;
	/** The sorted keys of the prefixes that were used last. */
	readonly #sorted = new LRUCache<string, string[]>({ max: MAX_SORTED });

	constructor(isCompound: boolean) {
		if (isCompound) this.#keys = new StringSets();
	}

	ids(key: string): Iterable<string> {
		return this.#ids.all(key);
	}

	count(key: string): number {
		return this.#ids.count(key);
	}

	*between(from: string, to: string): Iterable<string> {
		const prefix = prefixIn(from);
		let sorted = this.#sorted.get(prefix);
		if (!sorted) {
			sorted = this.#keys?.all(prefix).sort(compareText) ?? [];
			this.#sorted.set(prefix, sorted);
		}
		for (let i = positionOf(sorted, from); i < sorted.length; i++) {
			const key = sorted[i] as string;
			if (compareText(key, to) >= 0) return;
			yield* this.#ids.all(key);
		}
	}

	add(key: string, id: string): void {
		this.#ids.add(key, id);
		this.#changeKeys('add', key);
	}

	remove(key: string, id: string): void {
		this.#ids.remove(key, id);
		if (this.#ids.count(key) === 0) this.#changeKeys('remove', key);
	}

	#changeKeys(change: 'add' | 'remove', key: string): void {
		if (!this.#keys) return;
		const prefix = prefixIn(key);
		this.#keys[change](prefix, key);
		this.#sorted.delete(prefix);
	}
}

/** The position of the first text in a sorted list that is not less than `text`. */
function positionOf(sorted: readonly string[], text: string): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if (compareText(sorted[middle] as string, text) < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}
