/** Ids and writes of the documents that the processes of one service share in the store. */
import { hash } from 'node:crypto';

/**
 * The kind of a document: the first word of its id. `call` is explained in `sharedCalls.ts`, `chain` in `resume-chains.ts`,
 * `count` in `storeCounter.ts`, `known` in `limits/counters.ts`, `reservation` in `providerReservation.ts`, `usage` in
 * `usageExchange.ts`.
 */
type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'reservation' | 'usage';

/**
 * The id of a `count`, `known` or `reservation`; the other kinds make their own. `key` identifies the document within its
 * kind, and is hashed, because it can be as long as a message.
 */
export function sharedId(kind: SharedKind, key: string): string {
	return `${kind} ${hash('sha256', key, 'base64')}`;
}

/** The option of all writes of shared state: nobody subscribes to it, so no change is announced. */
export const SILENT = { silent: true } as const;
