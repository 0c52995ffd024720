/** `e2e.acceptSuggestedGroupKey` (`test/contract/rocketchat-e2e.md` 4.8): a member takes the key that another has offered. */
import type { Subscription } from '../../shared/documents.js';
import { ClientError, clientError } from '../../shared/errors.js';
import { type MethodContext, method } from '../../shared/method.js';
import { type KeyedRoom, keyedRoom } from '../model/keys/keyId.js';
import { offererOf, withRecord } from '../model/keys/knownKeys.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { findPlace, sameKeys, tellMember, withOffered } from '../model/keys/memberKeys.js';
import { dropOffer, offered } from '../model/keys/offers.js';
import { endLeases } from '../model/keys/providerReservation.js';
import { leaveQueue } from '../model/keys/queue.js';
import { isOfKeyId, keyIdOf } from '../model/keys/sealedKey.js';
import { archiveMismatchedKey, requireNoReset, writeKey } from '../model/keys/storeMemberKey.js';

/**
 * Takes the very offer that was seen, in one write. The member's own old keys stay, and the present one joins them; a member
 * without old keys takes those that came with the offer. A key that begins with another key id is recorded as one of the
 * room's: its member has decided so.
 * @returns the membership as it then is; null where the offer was replaced meanwhile
 */
function take(context: MethodContext, membership: Subscription, room: KeyedRoom): Promise<Subscription | null> {
	const key = offered(membership);
	const old = withOffered(membership, room.e2eKeyId, key);
	const keyId = room.e2eKeyId || '';
	const record = { keyId, by: offererOf(membership, key) };
	const known = !isOfKeyId(key, keyId) && { e2eKnownKeys: withRecord(membership, key, record) };
	const same = { ...sameKeys(membership), E2ESuggestedKey: membership.E2ESuggestedKey as string } as object;
	return writeKey(context, same, {
		$set: { E2EKey: key, ...(old.length > 0 && { oldRoomKeys: old }), ...known },
		$unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 },
	});
}

/** Whether an offer is one of the former key, left by a reset of the room that was interrupted after it named the new one. */
function isLeftByReset(key: string, { e2eKeyId, e2eReset }: KeyedRoom): boolean {
	if (!e2eReset?.formerKeyId || e2eReset.keyId !== e2eKeyId) return false;
	return keyIdOf(key) === e2eReset.formerKeyId;
}

/** Takes an offer that can be used. Another is dropped, and its member queued for the next: nobody gets stuck with it. */
async function accept(context: MethodContext, membership: Subscription, room: KeyedRoom): Promise<Subscription | null> {
	const { name } = context;
	try {
		if (isLeftByReset(offered(membership), room)) throw clientError('keyIdMismatch', { method: name });
		return await take(context, membership, room);
	} catch (error) {
		if (error instanceof ClientError) {
			await archiveMismatchedKey(context, membership, room);
			await dropOffer(context, membership);
		}
		throw error;
	}
}

export const acceptSuggestedGroupKey = method({
	name: 'e2e.acceptSuggestedGroupKey',
	args: { rid: String },
	rest: 'POST',
	limit: KEY_CALLS,
	once: true,
	summary: 'Takes the key of a room that another member has offered',
	async run({ rid }, context) {
		const { name, userId, store } = context;
		for (;;) {
			const place = await findPlace(store, rid, userId);
			if (!place) throw clientError('subscriptionNotFound', { method: name });
			if (offered(place) === '') {
				// A call that was broken off after it took the key has left its member in the queue.
				if (place.E2EKey) await leaveQueue(context, rid, [userId]);
				throw clientError('noSuggestedKey', { method: name });
			}
			const room = (await keyedRoom(store, rid)) ?? { _id: rid };
			const after = await accept(context, place, room);
			if (!after) continue;
			await requireNoReset(context, after, room, offered(place));
			tellMember(context, after);
			endLeases(store, rid, [userId]);
			await leaveQueue(context, rid, [userId]);
			return;
		}
	},
});
