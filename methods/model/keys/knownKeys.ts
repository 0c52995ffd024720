/**
 * What is known of the keys a member was offered or has taken. A sealed key alone does not say who offered it, nor, where
 * it begins with another key id, for which room key it was taken. A Rocket.Chat on the same database may replace keys at any
 * time, so each record names its key by a hash.
 */
import { createHash } from 'node:crypto';
import type { KnownKey } from '../../../shared/documents.js';

/** Most records of one member. Those of returned keys go last. */
const MAX_KNOWN_KEYS = 50;

/** The name a key has in the records. What is accepted is trimmed. */
function hashOf(key: string): string {
	return createHash('sha256').update(key.trim()).digest('hex');
}

function recordOf(known: readonly KnownKey[], key: string): KnownKey | undefined {
	if (known.length === 0) return undefined;
	const hash = hashOf(key);
	return known.find((record) => record?.hash === hash);
}

/** Whether a key was offered, or taken, as the one of this key id, whatever id it begins with. */
export function isKnownAs(known: readonly KnownKey[], key: string, keyId: string | null | undefined): boolean {
	const record = recordOf(known, key);
	return record !== undefined && record.keyId === (keyId || '') && record.returned !== true;
}

/** The member who offered a key, as far as that is known. */
export function offererOf(known: readonly KnownKey[], key: string): string | undefined {
	return recordOf(known, key)?.by;
}

/** The records with one more, which takes the place of an earlier one of the same key. */
export function withRecord(
	known: readonly KnownKey[],
	key: string,
	{ keyId, by, returned }: Pick<KnownKey, 'keyId' | 'returned'> & { readonly by?: string | undefined },
): KnownKey[] {
	const hash = hashOf(key);
	const added: KnownKey = { hash, keyId, ts: new Date(), ...(by && { by }), ...(returned && { returned }) };
	const records = [...known.filter((record) => record && record.hash !== hash), added];
	while (records.length > MAX_KNOWN_KEYS) {
		const oldest = records.findIndex((record) => !record.returned);
		records.splice(oldest === -1 ? 0 : oldest, 1);
	}
	return records;
}

/** The keys of this key id that a member has returned, which another had offered. */
export function returnedOffers(known: readonly KnownKey[], keyId: string | null | undefined): KnownKey[] {
	return known.filter((record) => record?.returned && record.by && record.keyId === (keyId || ''));
}

/** Whether a member has returned a key of this key id to the one who offered it. */
export function hasReturned(known: readonly KnownKey[], by: string, keyId: string | null | undefined): boolean {
	return returnedOffers(known, keyId).some((record) => record.by === by);
}
