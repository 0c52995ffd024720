/** A queue of clients by address. Addresses take turns, so that an address with many clients does not delay the others. */
import { addressKey } from './limits/address.js';

export class FairQueue<T extends { readonly address: string | null }> {
	/** The entries by address. The address whose turn it is comes first; its entries are in the order of their arrival. */
	readonly #entries = new Map<string, Set<T>>();
	#size = 0;

	/** Number of entries. */
	get size(): number {
		return this.#size;
	}

	/** Number of entries of an address. */
	countOf(address: string | null): number {
		return this.#entries.get(addressKey(address))?.size ?? 0;
	}

	add(entry: T): void {
		const key = addressKey(entry.address);
		const addressEntries = this.#entries.get(key);
		if (addressEntries) addressEntries.add(entry);
		else this.#entries.set(key, new Set([entry]));
		this.#size++;
	}

	/** @returns whether the entry was in the queue */
	delete(entry: T): boolean {
		const key = addressKey(entry.address);
		const addressEntries = this.#entries.get(key);
		if (!addressEntries?.delete(entry)) return false;
		if (addressEntries.size === 0) this.#entries.delete(key);
		this.#size--;
		return true;
	}

	/** Takes out the entry that has waited longest of the address whose turn it is; undefined if the queue is empty. */
	take(): T | undefined {
		for (const [key, addressEntries] of this.#entries) {
			for (const entry of addressEntries) {
				this.delete(entry);
				// The address goes to the end of the rotation.
				if (this.#entries.delete(key)) this.#entries.set(key, addressEntries);
				return entry;
			}
		}
		return undefined;
	}
}
