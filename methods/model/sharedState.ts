/** Ids and writes of the documents that the processes of one service share in the store. */
import { hash } from 'node:crypto';

/**
 * The first word of an id. In the order of these words, see `sharedCalls.ts`, `resume-chains.ts`, `storeCounter.ts`,
 * `limits/counters.ts`, `providerReservation.ts` and `usageExchange.ts`.
 */
type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'reservation' | 'usage';

/** The id of a `count`, `known` or `reservation`. The key is hashed, because it can be as long as a message. */
export function sharedId(kind: SharedKind, key: string): string {
	return `${kind} ${hash('sha256', key, 'base64')}`;
}

/** The option of all writes of shared state, to which nobody subscribes. */
export const SILENT = { silent: true } as const;
