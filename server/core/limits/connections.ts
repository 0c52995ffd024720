/** Limits how many connections an address, and all addresses together, may have at a time. */
import type { ServerObserver } from '../observer.js';
import { addressKey } from './address.js';

/** What a client receives if its connection is refused. */
export interface ConnectionRefused {
	readonly status: number;
	readonly text: string;
}

const ADDRESS_FULL: ConnectionRefused = { status: 429, text: 'Too many connections from your address' };
const SERVER_FULL: ConnectionRefused = { status: 503, text: 'The server has too many connections' };

/** Counts the open connections of each address. */
export interface ConnectionLimiter {
	/** Counts a new connection. @returns undefined; or why the connection is refused and not counted */
	acquire(address: string | null): ConnectionRefused | undefined;
	/** Must be called once when a counted connection has closed. */
	release(address: string | null): void;
}

/** Makes the limiter of a process. */
export function limitConnections(
	maxPerAddress: number,
	maxTotal: number,
	observer?: ServerObserver,
): ConnectionLimiter {
	const counts = new Map<string, number>();
	let total = 0;
	return {
		acquire(address) {
			if (total >= maxTotal) {
				observer?.onConnectionRefused('full', address);
				return SERVER_FULL;
			}
			const key = addressKey(address);
			const count = counts.get(key) ?? 0;
			if (count >= maxPerAddress) {
				observer?.onLimit('connections', true);
				observer?.onConnectionRefused('limit', address);
				return ADDRESS_FULL;
			}
			counts.set(key, count + 1);
			total += 1;
			return undefined;
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
