/**
 * Records about the sealed keys of a membership, in its field `e2eKnownKeys`. A record contains the key id that the
 * room had when the record was made, and the member who offered the key, if any. It also says whether the key was
 * returned. A record applies only to the key with its hash: another server on the same database may replace the stored
 * key without changing the record. Such a server may also store null in the list, so a record is read as `record?.`.
 */
import { createHash } from 'node:crypto';
import type { KnownKey } from '../../../shared/documents.js';

/**
 * Maximum number of records in one membership. Above it, the oldest are removed, those of returned keys only if there
 * are no others. A record that was just added is never removed.
 */
const MAX_KNOWN_KEYS = 50;

/** Identifies a key in the records. Trimmed, because accepting an offer trims its key. */
function hashOf(key: string): string {
	return createHash('sha256').update(key.trim()).digest('hex');
}

function recordOf(records: readonly KnownKey[], key: string): KnownKey | undefined {
	if (records.length === 0) return undefined;
	const hash = hashOf(key);
	return records.find((record) => record?.hash === hash);
}

/** Whether a key is recorded under this key id of the room, and was not returned. */
export function isRecordedUnder(records: readonly KnownKey[], key: string, keyId: string | null | undefined): boolean {
	const record = recordOf(records, key);
	return record !== undefined && record.keyId === (keyId || '') && record.returned !== true;
}

/** The id of the member who offered a key; undefined if no such member is recorded. */
export function offererOf(records: readonly KnownKey[], key: string): string | undefined {
	return recordOf(records, key)?.by;
}

/** The records with a new one, which replaces an earlier record of the same key. */
export function withRecord(
	records: readonly KnownKey[],
	key: string,
	{ keyId, by, returned }: Pick<KnownKey, 'keyId' | 'returned'> & { readonly by?: string | undefined },
): KnownKey[] {
	const hash = hashOf(key);
	const added: KnownKey = { hash, keyId, ts: new Date(), ...(by && { by }), ...(returned && { returned }) };
	const others = records.filter((record) => record && record.hash !== hash);
	while (others.length >= MAX_KNOWN_KEYS) {
		const oldestNotReturned = others.findIndex((record) => !record.returned);
		others.splice(oldestNotReturned === -1 ? 0 : oldestNotReturned, 1);
	}
	return [...others, added];
}

/** Records of keys that another member offered under this key id and this member returned. */
export function returnedOffers(records: readonly KnownKey[], keyId: string | null | undefined): KnownKey[] {
	return records.filter((record) => record?.returned && record.by && record.keyId === (keyId || ''));
}

/** Whether this member has returned a key with this key id that the member `offererId` had offered. */
export function hasReturned(
	records: readonly KnownKey[],
	offererId: string,
	keyId: string | null | undefined,
): boolean {
	return returnedOffers(records, keyId).some((record) => record.by === offererId);
}

/** Whether this member has returned the same sealed key under this key id. Its offerer does not matter. */
export function isReturned(records: readonly KnownKey[], key: string, keyId: string | null | undefined): boolean {
	const record = recordOf(records, key);
	return record?.returned === true && record.keyId === (keyId || '');
}
