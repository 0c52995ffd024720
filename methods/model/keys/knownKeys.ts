/**
 * What is known of the keys a member was offered or has taken. A sealed key alone does not say who offered it, nor, where
 * it begins with another key id, for which room key it was taken. A Rocket.Chat on the same database may replace keys at any
 * time, so each record names its key by a hash.
 */
import { createHash } from 'node:crypto';
import type { KnownKey, Subscription } from '../../../shared/documents.js';
import { listOf } from '../lists.js';

/** Most records of one member. Those of returned keys go last. */
const MAX_KNOWN_KEYS = 50;

type Membership = Pick<Subscription, 'e2eKnownKeys'>;

/** The name a key has in the records. What is accepted is trimmed. */
function hashOf(key: string): string {
	return createHash('sha256').update(key.trim()).digest('hex');
}

function recordOf({ e2eKnownKeys }: Membership, key: string): KnownKey | undefined {
	const known = listOf(e2eKnownKeys);
	if (known.length === 0) return undefined;
	const hash = hashOf(key);
	return known.find((record) => record?.hash === hash);
}

/** Whether a key was offered, or taken, as the one of this key id, whatever id it begins with. */
export function isKnownAs(membership: Membership, key: string, keyId: string | null | undefined): boolean {
	const record = recordOf(membership, key);
	return record !== undefined && record.keyId === (keyId || '') && record.returned !== true;
}

/** The member who offered a key, as far as that is known. */
export function offererOf(membership: Membership, key: string): string | undefined {
	return recordOf(membership, key)?.by;
}

/** The records with one more, which takes the place of an earlier one of the same key. */
export function withRecord(
	membership: Membership,
	key: string,
	record: Pick<KnownKey, 'keyId' | 'returned'> & { readonly by?: string | undefined },
): KnownKey[] {
	const hash = hashOf(key);
	const { keyId, by, returned } = record;
	const added: KnownKey = { hash, keyId, ts: new Date(), ...(by && { by }), ...(returned && { returned }) };
	const records = [...listOf(membership.e2eKnownKeys).filter((known) => known && known.hash !== hash), added];
	while (records.length > MAX_KNOWN_KEYS) {
		const oldest = records.findIndex((known) => !known.returned);
		records.splice(oldest === -1 ? 0 : oldest, 1);
	}
	return records;
}

/** The keys of this key id that a member has returned, which another had offered. */
export function returnedOffers({ e2eKnownKeys }: Membership, keyId: string | null | undefined): KnownKey[] {
	return listOf(e2eKnownKeys).filter((known) => known?.returned && known.by && known.keyId === (keyId || ''));
}

/** Whether a member has returned a key of this key id to the one who offered it. */
export function hasReturned(membership: Membership, by: string, keyId: string | null | undefined): boolean {
	return returnedOffers(membership, keyId).some((known) => known.by === by);
}
