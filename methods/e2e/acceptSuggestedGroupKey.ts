/** `e2e.acceptSuggestedGroupKey` (`test/contract/rocketchat-e2e.md` 4.8): a member takes the key that another has offered. */
import type { Subscription } from '../../shared/documents.js';
import { ClientError, clientError } from '../../shared/errors.js';
import { type MethodContext, method } from '../../shared/method.js';
import { type KeyedRoom, keyedRoom } from './keyId.js';
import { KEY_CALLS } from './limits.js';
import { findPlace, sameKeys, tellMember, withOffered } from './memberKeys.js';
import { dropOffer, offered } from './offers.js';
import { endLeases } from './providerReservation.js';
import { leaveQueue } from './queue.js';
import { requireKeyId } from './sealedKey.js';
import { archiveMismatchedKey, requireNoReset, writeKey } from './storeMemberKey.js';

/**
 * Takes the very offer that was seen, in one write. The member's own old keys stay, and the present one joins them; those
 * that came with the offer are taken by who has none.
 * @returns the place as it then is; null where the offer was replaced meanwhile
 */
function take(context: MethodContext, place: Subscription, room: KeyedRoom): Promise<Subscription | null> {
	const key = offered(place);
	const old = withOffered(place, room.e2eKeyId, key);
	return writeKey(context, { ...sameKeys(place), E2ESuggestedKey: place.E2ESuggestedKey as string } as object, {
		$set: { E2EKey: key, ...(old.length > 0 && { oldRoomKeys: old }) },
		$unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 },
	});
}

/** Takes an offer that can be used. One that cannot is dropped, and its member queued for another: nobody gets stuck with it. */
async function accept(context: MethodContext, place: Subscription, room: KeyedRoom): Promise<Subscription | null> {
	try {
		requireKeyId(offered(place), room.e2eKeyId, context.name);
		return await take(context, place, room);
	} catch (error) {
		if (error instanceof ClientError) {
			await archiveMismatchedKey(context, place, room);
			await dropOffer(context, place);
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
