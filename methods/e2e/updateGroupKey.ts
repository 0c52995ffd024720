/** `e2e.updateGroupKey` (`test/contract/rocketchat-e2e.md` 4.4): a member stores their own key, or offers it to another. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { type MethodContext, method } from '../../shared/method.js';
import { type KeyedRoom, keyedRoom, wasReset } from './keyId.js';
import { KEY_CALLS } from './limits.js';
import { findPlace, tellMember } from './memberKeys.js';
import { offer, withdraw } from './offers.js';
import { endLeases } from './providerReservation.js';
import { leaveQueue } from './queue.js';
import { isOfKeyId, requireKey, requireKeyId } from './sealedKey.js';
import { archiveMismatchedKey, requireNoReset, storeOwnKey } from './storeMemberKey.js';

async function updateOwn(context: MethodContext, place: Subscription, room: KeyedRoom, key: string): Promise<void> {
	const { rid, u } = place;
	const after = await storeOwnKey(context, place, room, key);
	if (after) {
		await requireNoReset(context, after, room, key);
		tellMember(context, after);
		endLeases(context.store, rid, [u._id]);
	}
	// Also where the key was there already: a call that was broken off had not come this far.
	await leaveQueue(context, rid, [u._id]);
}

async function offerTo(context: MethodContext, place: Subscription, room: KeyedRoom, key: string): Promise<void> {
	const { store, name } = context;
	const after = await offer(context, place, room, key);
	if (!after) return;
	if (wasReset(room, await keyedRoom(store, room._id), key)) {
		await withdraw(context, after);
		throw clientError('keyIdMismatch', { method: name });
	}
	endLeases(store, room._id, [place.u._id]);
	tellMember(context, after);
}

export const updateGroupKey = method({
	name: 'e2e.updateGroupKey',
	args: { rid: String, uid: String, key: String },
	rest: 'POST',
	limit: KEY_CALLS,
	summary: "Stores the caller's own key of a room, or offers it to another member who has none",
	async run({ rid, uid, key }, context) {
		const { name, userId, store } = context;
		requireKey(key, name);
		const own = await findPlace(store, rid, userId);
		const room = own && (await keyedRoom(store, rid));
		if (!own || !room) return;
		if (uid === userId) {
			if (!isOfKeyId(key, room.e2eKeyId)) await archiveMismatchedKey(context, own, room);
			requireKeyId(key, room.e2eKeyId, name);
			return updateOwn(context, own, room, key);
		}
		// What is accepted is trimmed.
		requireKeyId(key.trim(), room.e2eKeyId, name);
		const place = await findPlace(store, rid, uid);
		if (place) await offerTo(context, place, room, key);
	},
});
