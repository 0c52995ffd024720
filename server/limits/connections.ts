/** How many connections an address may have at a time. */
import { addressKey } from './address.js';

/** What those are told who are not admitted. */
export const TOO_MANY_CONNECTIONS = 'Too many connections from your address';

/**
 * Admits one connection.
 * @returns what to call when it has closed, where a second call does nothing; null where its address has too many
 */
export type Admit = (address: string | null) => (() => void) | null;

/** @param max most connections of one address */
export function limitConnections(max: number): Admit {
	const counts = new Map<string, number>();
	return (address) => {
		const key = addressKey(address);
		const count = counts.get(key) ?? 0;
		if (count >= max) return null;
		counts.set(key, count + 1);
		let held = true;
		return () => {
			if (!held) return;
			held = false;
			const left = (counts.get(key) ?? 0) - 1;
			if (left > 0) counts.set(key, left);
			else counts.delete(key);
		};
	};
}
