/** `e2e.setOrGetRoomKeyID` (`test/contract/beyond.md` E8): sets the key id of a room, or returns the present key id. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { holdsKey } from '../model/keys/memberKeys.js';
import { enqueue, removeServedUsers } from '../model/keys/queue.js';
import { claimKeyId, type RoomKeyFields, readRoomKeyFields } from '../model/keys/roomKeyId.js';
import {
	isOfKeyId,
	keyIdOf,
	requireMatchingKeyId,
	requireSealedKey,
	requireValidKeyId,
} from '../model/keys/sealedKey.js';
import { offeredKeyOf, ownKeyOf } from '../model/keys/storedKeys.js';
import {
	archiveMismatchedKey,
	failIfResetMeanwhile,
	removeMismatchedKey,
	storeMemberKey,
} from '../model/keys/storeMemberKey.js';
import { findMembership } from '../model/memberships/members.js';
import { requireRoomAccess } from '../model/rooms/access.js';

/** The answer: the key id that the room has now. */
interface KeyIdAnswer {
	readonly keyID: string;
	/** The room's key, sealed for the caller, if another member has offered it. */
	readonly suggestedKey?: string;
}

/**
 * The answer of a call that has set no key id: the key id that the room has. A caller without the room's key is queued.
 * @param room as it was read after the call failed to set a key id; null if it was deleted meanwhile
 * @throws ClientError `error-invalid-room` for a deleted room; `error-e2e-key-reset-in-progress` for a room without a
 * key id, because only a reset keeps this call from setting it
 */
async function answerWithPresentKeyId(
	context: UserContext,
	rid: string,
	room: RoomKeyFields | null,
): Promise<KeyIdAnswer> {
	const { store, userId, name } = context;
	if (!room) throw clientError('invalidRoom');
	const keyID = room.e2eKeyId;
	if (!keyID) {
		// `claimWithKey` stored the caller's key for a moment. A reset that read the memberships at that moment did not
		// queue the caller.
		await enqueue(store, rid, userId);
		throw clientError('resetInProgress', { method: name });
	}
	const membership = await findMembership(store, rid, userId);
	if (!membership) return { keyID };
	const isArchivedAndQueued = await archiveMismatchedKey(store, membership, room);
	if (!isArchivedAndQueued) {
		// After an interrupted call, a caller who has a key may still be in the queue.
		if (ownKeyOf(membership)) await removeServedUsers(store, rid, [userId]);
		else await enqueue(store, rid, userId);
	}
	const suggestedKey = offeredKeyOf(membership);
	return suggestedKey !== undefined && isOfKeyId(suggestedKey, keyID) ? { keyID, suggestedKey } : { keyID };
}

/**
 * Stores the caller's key, and then claims the key id for the room. In the reverse order, a crash could leave a room
 * with a key id and no key holder.
 */
async function claimWithKey(
	context: UserContext,
	membership: Subscription,
	keyID: string,
	key: string,
): Promise<KeyIdAnswer> {
	const { store } = context;
	const { rid, u } = membership;
	const asIfClaimed = { _id: rid, e2eKeyId: keyID };
	const stored = await storeMemberKey(store, membership, asIfClaimed, key, { removesOffer: false, silent: true });
	const claimedRoom = await claimKeyId(store, rid, keyID);
	if (!claimedRoom) {
		const room = await readRoomKeyFields(store, rid);
		// `stored` is null if the caller had this key before the call. Then a key that shows no key id may be the room's.
		const mayBeRoomKey = room?.e2eKeyId === keyID || (stored === null && keyIdOf(key) === null);
		const updated = mayBeRoomKey
			? null
			: await removeMismatchedKey(store, membership, key, room ?? {}, { keep: false });
		// Another device of the member may have stored its own key just before this call, which then moved it to the former
		// keys. If it is the room's key, `removeMismatchedKey` has made it the member's key again. It is announced again,
		// because the announcement of the other device may have contained the key of this call.
		if (updated?.E2EKey) await store.subscriptions.announce('updated', updated);
		return answerWithPresentKeyId(context, rid, room);
	}
	// Before the claim, another device of the member may have replaced this key.
	const current = await findMembership(store, rid, u._id);
	if (current) {
		// Null if the key is still stored.
		const updated = await storeMemberKey(store, current, claimedRoom, key, { silent: true });
		await store.subscriptions.announce('updated', updated ?? current);
	}
	await removeServedUsers(store, rid, [u._id]);
	return { keyID };
}

/**
 * Stores the caller's key of a room that has the key id already. A caller may claim a key id first, and send the key
 * later.
 */
async function storeForClaimedId(
	context: UserContext,
	membership: Subscription,
	room: RoomKeyFields,
	key: string,
): Promise<void> {
	if (holdsKey(membership, room)) return;
	const updated = await storeMemberKey(context.store, membership, room, key);
	if (updated) await failIfResetMeanwhile(context.store, updated, room, key);
}

export const setOrGetRoomKeyID = method({
	name: 'e2e.setOrGetRoomKeyID',
	args: { rid: String, keyID: String, key: Match.Optional(String) },
	...KEY_WRITE_DEFAULTS,
	once: true,
	summary: "Sets the key id of a room and stores the caller's key; or returns the present key id",
	returns: { keyID: String, suggestedKey: Match.Optional(String) },
	errors: [
		'error-invalid-room',
		'error-subscription-not-found',
		'error-invalid-key-id',
		'error-invalid-key',
		'error-key-id-mismatch',
		'error-key-in-use',
		'error-e2e-key-reset-in-progress',
	],
	async run({ rid, keyID, key }, context): Promise<KeyIdAnswer> {
		const { userId, store } = context;
		requireValidKeyId(keyID);
		if (key !== undefined) {
			requireSealedKey(key);
			requireMatchingKeyId(key, keyID);
		}
		const room = await requireRoomAccess(store, rid, userId);
		// If `membership` is set, `key` is set too.
		const membership = key === undefined ? null : await findMembership(store, rid, userId);
		if (key !== undefined && !membership) throw clientError('subscriptionNotFound');
		if (room.e2eKeyId) {
			if (membership && room.e2eKeyId === keyID) {
				await storeForClaimedId(context, membership, room, key as string);
			} else if (membership && keyIdOf(key as string) !== null) {
				// An interrupted call may have stored this key without claiming its id. A key that shows no key id stays,
				// because it may be the room's.
				await removeMismatchedKey(store, membership, key as string, room, { keep: false });
			}
			return answerWithPresentKeyId(context, rid, room);
		}
		if (membership) return claimWithKey(context, membership, keyID, key as string);
		const claimed = await claimKeyId(store, rid, keyID);
		if (!claimed) return answerWithPresentKeyId(context, rid, await readRoomKeyFields(store, rid));
		return { keyID };
	},
});
