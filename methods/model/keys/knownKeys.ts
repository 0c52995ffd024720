/**
 * Records about the keys that a member was offered or has accepted. A sealed key does not show who offered it. If it
 * begins with another key id, it does not show which room key it was accepted as either. A Rocket.Chat server on the
 * same database may replace keys at any time, so each record identifies its key by a hash.
 */
import { createHash } from 'node:crypto';
import type { KnownKey } from '../../../shared/documents.js';

/** Maximum number of records of one member. Records of returned keys are removed last. */
const MAX_KNOWN_KEYS = 50;

/** The hash that identifies a key in the records. Accepting an offer trims its key. */
function hashOf(key: string): string {
	return createHash('sha256').update(key.trim()).digest('hex');
}

function recordOf(known: readonly KnownKey[], key: string): KnownKey | undefined {
	if (known.length === 0) return undefined;
	const hash = hashOf(key);
	return known.find((record) => record?.hash === hash);
}

/** Whether a key was offered or accepted under this key id, even if it begins with another. */
export function isKnownAs(known: readonly KnownKey[], key: string, keyId: string | null | undefined): boolean {
	const record = recordOf(known, key);
	return record !== undefined && record.keyId === (keyId || '') && record.returned !== true;
}

/** The member who offered a key, if known. */
export function offererOf(known: readonly KnownKey[], key: string): string | undefined {
	return recordOf(known, key)?.by;
}

/** Adds a record, which replaces an earlier one of the same key. */
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

/** The keys with this key id that another member offered and this member has returned. */
export function returnedOffers(known: readonly KnownKey[], keyId: string | null | undefined): KnownKey[] {
	return known.filter((record) => record?.returned && record.by && record.keyId === (keyId || ''));
}

/** Whether a member has returned a key with this key id to the given provider. */
export function hasReturned(known: readonly KnownKey[], by: string, keyId: string | null | undefined): boolean {
	return returnedOffers(known, keyId).some((record) => record.by === by);
}
