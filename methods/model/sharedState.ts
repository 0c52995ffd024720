/** Ids and writes of the documents that the processes of one service share in the store. */
import { hash } from 'node:crypto';

/**
 * The kind of a document: the first word of its id. Documents of the kind `usage` are read as all ids from `usage` on, so
 * it must be the last kind in alphabetical order.
 */
type SharedKind = 'call' | 'chain' | 'count' | 'known' | 'reservation' | 'usage';

/** The id of a document. The text can be as long as a client's message, so it is hashed. */
export function sharedId(kind: SharedKind, text: string): string {
	return `${kind} ${hash('sha256', text, 'base64')}`;
}

/** The option of all writes of shared state, to which nobody subscribes. */
export const SILENT = { silent: true } as const;
