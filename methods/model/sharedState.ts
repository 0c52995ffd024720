/** Ids and writes of the documents that the processes of one service share in the store. */
import { hash } from 'node:crypto';

/**
 * The kind of a document: the first word of its id. Reports of usage are read by a range of ids, so `usage` must be the
 * last in alphabetical order.
 */
type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'reservation' | 'usage';

/** The id of a document. The text can be as long as a frame, so it is hashed. */
export function sharedId(kind: SharedKind, text: string): string {
	return `${kind} ${hash('sha256', text, 'base64')}`;
}

/** The option of all writes: nobody subscribes to shared state. */
export const SILENT = { silent: true } as const;
