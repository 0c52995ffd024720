/** What is read from the store again and again, and remembered for a second, as in Rocket.Chat. */
import type { Store } from '../shared/store.js';

/** In ms. A change made elsewhere is in force that much later. */
const REMEMBERED_FOR = 1000;

interface Remembered<T> {
	readonly value: Promise<T>;
	readonly until: number;
}

export interface Memory<T> {
	/** What is known of a key, or is read now. */
	get(store: Store, key: string): Promise<T>;
	/** Forgets a key that was written: the next to ask reads it. */
	forget(store: Store, key: string): void;
}

/** Makes a memory of what `read` finds. For few keys: none is dropped. */
export function memoryOf<T>(read: (store: Store, key: string) => Promise<T>): Memory<T> {
	const memories = new WeakMap<Store, Map<string, Remembered<T>>>();
	return {
		get(store, key) {
			let memory = memories.get(store);
			if (!memory) {
				memory = new Map();
				memories.set(store, memory);
			}
			const now = Date.now();
			const known = memory.get(key);
			if (known && now < known.until) return known.value;
			const value = read(store, key);
			const entry = { value, until: now + REMEMBERED_FOR };
			memory.set(key, entry);
			// A look-up that failed is not an answer: the next caller asks again.
			value.catch(() => memory.get(key) === entry && memory.delete(key));
			return value;
		},
		forget: (store, key) => void memories.get(store)?.delete(key),
	};
}
