/** The embedded store in memory, without persistence. */
import type { CollectionDefinition } from '../../shared/collections.js';
import { buildStore, type OpenStore } from './collections.js';
import { embedded } from './embedded.js';
import { type Documents, type IndexEntries, Table } from './table.js';
import type { Document } from './values.js';

/** Opens an empty store. */
export async function openMemory(declared: readonly CollectionDefinition[] = []): Promise<OpenStore> {
	return buildStore(declared, async ({ name, indexes }) => {
		const table = new Table(name, memoryDocuments(), indexes, () => new MemoryIndex());
		return embedded(table, async (task) => task());
	});
}

function memoryDocuments(): Documents {
	const documents = new Map<string, Document>();
	return {
		ordered: false,
		copies: false,
		get: (id) => documents.get(id),
		put: (document) => {
			documents.set(document._id, document);
		},
		remove: (id) => {
			documents.delete(id);
		},
		scan: () => documents.values(),
	};
}

/** A key with a single document needs no set; most keys are unique. */
class MemoryIndex implements IndexEntries {
	readonly #ids = new Map<string, string | Set<string>>();

	ids(key: string): Iterable<string> {
		const ids = this.#ids.get(key);
		if (ids === undefined) return [];
		// A copy, because the set may change before all have been read.
		return typeof ids === 'string' ? [ids] : [...ids];
	}

	has(key: string): boolean {
		return this.#ids.has(key);
	}

	count(key: string): number {
		const ids = this.#ids.get(key);
		if (ids === undefined) return 0;
		return typeof ids === 'string' ? 1 : ids.size;
	}

	add(key: string, id: string): void {
		const ids = this.#ids.get(key);
		if (ids === undefined) this.#ids.set(key, id);
		else if (typeof ids !== 'string') ids.add(id);
		else this.#ids.set(key, new Set([ids, id]));
	}

	remove(key: string, id: string): void {
		const ids = this.#ids.get(key);
		if (ids === id) this.#ids.delete(key);
		else if (typeof ids === 'object' && ids.delete(id) && ids.size === 0) this.#ids.delete(key);
	}
}
