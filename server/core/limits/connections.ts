/** Limits how many connections an address, and all addresses together, may have at a time. */
import type { ServerObserver } from '../observer.js';
import { addressKey } from './address.js';

/** The text that a refused client receives. */
export const TOO_MANY_CONNECTIONS = 'Too many connections from your address';

/** The text that a client receives if the process has its maximum number of connections. */
export const SERVER_FULL = 'The server has too many connections';

/** Seconds after which a refused client may try to connect again. */
export const RETRY_CONNECTION_S = 5;

/** Counts the open connections of each address. */
export interface ConnectionLimiter {
	/** Counts a new connection. Returns false, without counting it, if its address has too many. */
	acquire(address: string | null): boolean;
	/** Whether the process takes no further connection. If so, the refused connection is reported. */
	refusesAll(address: string | null): boolean;
	/** Must be called once when a counted connection has closed. */
	release(address: string | null): void;
}

/**
 * @param max maximum number of connections of one address
 * @param maxTotal maximum number of connections of the process
 */
export function limitConnections(max: number, maxTotal: number, observer?: ServerObserver): ConnectionLimiter {
	const counts = new Map<string, number>();
	let total = 0;
	return {
		refusesAll(address) {
			if (total < maxTotal) return false;
			observer?.onConnectionRefused('full', address);
			return true;
		},
		acquire(address) {
			const key = addressKey(address);
			const count = counts.get(key) ?? 0;
			if (count >= max) {
				observer?.onLimit('connections', true);
				observer?.onConnectionRefused('limit', address);
				return false;
			}
			counts.set(key, count + 1);
			total += 1;
			return true;
		},
		release(address) {
			const key = addressKey(address);
			total -= 1;
			const remaining = (counts.get(key) ?? 0) - 1;
			if (remaining > 0) counts.set(key, remaining);
			else counts.delete(key);
		},
	};
}
