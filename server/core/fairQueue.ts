/** A queue in which addresses take turns, so that an address with many clients does not delay the others. */
import { addressKey } from './limits/address.js';

export class FairQueue<T extends { readonly address: string | null }> {
	/** The entries by address. The address whose turn it is comes first. */
	readonly #entries = new Map<string, Set<T>>();
	#size = 0;

	get size(): number {
		return this.#size;
	}

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

	/** Takes out the longest-waiting entry of the address whose turn it is. */
	take(): T | undefined {
		for (const [key, addressEntries] of this.#entries) {
			for (const entry of addressEntries) {
				this.delete(entry);
				// An address with more entries goes to the end.
				if (this.#entries.delete(key)) this.#entries.set(key, addressEntries);
				return entry;
			}
		}
		return undefined;
	}
}
