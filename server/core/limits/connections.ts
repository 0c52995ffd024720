/** Limits how many connections an address may have at a time. */
import type { ServerObserver } from '../observer.js';
import { addressKey } from './address.js';

/** The text of the refusal. */
export const TOO_MANY_CONNECTIONS = 'Too many connections from your address';

/** Seconds after which a refused client may try to connect again. */
export const RETRY_CONNECTION_S = 5;

export interface Admissions {
	/** Counts a connection; false if its address has too many. */
	admit(address: string | null): boolean;
	/** Must be called once when an admitted connection has closed. */
	leave(address: string | null): void;
}

/** @param max maximum number of connections of one address */
export function limitConnections(max: number, observer?: ServerObserver): Admissions {
	const counts = new Map<string, number>();
	return {
		admit(address) {
			const key = addressKey(address);
			const count = counts.get(key) ?? 0;
			if (count >= max) {
				observer?.onLimit('connections', true);
				observer?.onConnectionRefused('limit', address);
				return false;
			}
			counts.set(key, count + 1);
			return true;
		},
		leave(address) {
			const key = addressKey(address);
			const left = (counts.get(key) ?? 0) - 1;
			if (left > 0) counts.set(key, left);
			else counts.delete(key);
		},
	};
}
