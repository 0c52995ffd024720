/** Ids and writes of the documents that the processes of one service share in the store. */
import { hash } from 'node:crypto';

/**
 * The kind of a document, which is the first word of its id: `call` (explained in `sharedCalls.ts`), `chain`
 * (`resume-chains.ts`), `count` (`storeCounter.ts`), `known` (`limits/counters.ts`), `reservation`
 * (`providerReservation.ts`) or `usage` (`usageExchange.ts`).
 */
type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'reservation' | 'usage';

/**
 * The id of a `count`, `known` or `reservation`; the other kinds make their own ids. The key is hashed, because it can
 * be as long as a message.
 */
export function sharedId(kind: SharedKind, key: string): string {
	return `${kind} ${hash('sha256', key, 'base64')}`;
}

/** The option of all writes of shared state, to which nobody subscribes. */
export const SILENT = { silent: true } as const;
