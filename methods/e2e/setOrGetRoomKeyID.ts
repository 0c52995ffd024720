/** `e2e.setOrGetRoomKeyID` (`test/contract/beyond.md` E8): claims the key id of a room, or returns the one it has. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import { KEY_WRITE } from '../kinds.js';
import { holdsKey } from '../model/keys/memberKeys.js';
import { enqueue, removeServedUsers } from '../model/keys/queue.js';
import { claimKeyId, type KeyedRoom, readKeyedRoom } from '../model/keys/roomKeyId.js';
import { isOfKeyId, keyIdOf, requireKeyId, requireSealedKey, requireValidKeyId } from '../model/keys/sealedKey.js';
import { offeredKeyOf, ownKeyOf } from '../model/keys/storedKeys.js';
import {
	archiveMismatchedKey,
	requireNoReset,
	restoreOrRemoveKey,
	storeMemberKey,
} from '../model/keys/storeMemberKey.js';
import { findMembership } from '../model/memberships/members.js';
import { requireRoomAccess } from '../model/rooms/access.js';

/** The answer: the key id that the room has. */
interface Claimed {
	readonly keyID: string;
	/** The room's key, sealed for the caller, if another member has offered it. */
	readonly suggestedKey?: string;
}

/** The answer if the room already has a key id. A caller who does not hold its key is queued for it. */
async function presentKeyId(context: UserContext, rid: string, room: KeyedRoom | null): Promise<Claimed> {
	const { store, userId, name } = context;
	const keyID = room?.e2eKeyId;
	// The room is being reset, and will have a key id shortly.
	if (!room || !keyID) throw clientError('resetInProgress', { method: name });
	const membership = await findMembership(store, rid, userId);
	if (!membership) return { keyID };
	if (!(await archiveMismatchedKey(store, membership, room))) {
		// A caller who has the key set the key id; an earlier call may have been interrupted before it removed the caller
		// from the queue.
		await (ownKeyOf(membership) ? removeServedUsers(store, rid, [userId]) : enqueue(store, rid, userId));
	}
	const suggestedKey = offeredKeyOf(membership);
	return suggestedKey !== undefined && isOfKeyId(suggestedKey, keyID) ? { keyID, suggestedKey } : { keyID };
}

/**
 * Stores the caller's key and claims its id for the room. The key is stored first: a crash in between leaves a stray key, which
 * its id identifies, in a room that anybody may still claim. The reverse order could leave a room with an id and no holder.
 */
async function claimWithKey(
	context: UserContext,
	membership: Subscription,
	keyID: string,
	key: string,
): Promise<Claimed> {
	const { store } = context;
	const { rid, u } = membership;
	const stored = await storeMemberKey(store, membership, { _id: rid, e2eKeyId: keyID }, key, false);
	const claimed = await claimKeyId(store, rid, keyID);
	if (!claimed) {
		const room = await readKeyedRoom(store, rid);
		// The same member may have made two concurrent calls with the same id: then this key is the room's. Otherwise the
		// key is removed; no client was notified of it. An earlier key without a key id may be the room's key and stays.
		const isOurs = stored !== null || keyIdOf(key) !== null;
		if (isOurs && room?.e2eKeyId !== keyID) await restoreOrRemoveKey(store, membership, key, room ?? {}, false);
		return presentKeyId(context, rid, room);
	}
	// Another device of the same member may have stored its own key meanwhile, and lost the race.
	const now = await findMembership(store, rid, u._id);
	const after = now && ((await storeMemberKey(store, now, claimed, key)) ?? now);
	if (after) await store.subscriptions.announce('updated', after);
	await removeServedUsers(store, rid, [u._id]);
	return { keyID };
}

/**
 * Stores the key of a caller who has claimed the room's key id before: without a key, or by a call that was interrupted
 * before it stored the key. Otherwise the room could have a key id without a holder. A caller who already holds the key
 * keeps it.
 */
async function storeClaimed(
	context: UserContext,
	membership: Subscription,
	room: KeyedRoom,
	key: string,
): Promise<void> {
	if (holdsKey(membership, room)) return;
	const after = await storeMemberKey(context.store, membership, room, key);
	if (!after) return;
	await requireNoReset(context.store, after, room, key);
	await context.store.subscriptions.announce('updated', after);
}

export const setOrGetRoomKeyID = method({
	name: 'e2e.setOrGetRoomKeyID',
	args: { rid: String, keyID: String, key: Match.Optional(String) },
	...KEY_WRITE,
	once: true,
	summary: "Sets the key id of a room and stores the caller's key; or returns the present key id",
	returns: { keyID: String, suggestedKey: Match.Optional(String) },
	errors: [
		'error-invalid-room',
		'error-subscription-not-found',
		'error-invalid-key-id',
		'error-invalid-key',
		'error-key-id-mismatch',
		'error-e2e-key-reset-in-progress',
	],
	async run({ rid, keyID, key }, context): Promise<Claimed> {
		const { userId, store } = context;
		requireValidKeyId(keyID);
		if (key !== undefined) {
			requireSealedKey(key);
			requireKeyId(key, keyID);
		}
		const room = await requireRoomAccess(store, rid, userId);
		const membership = key === undefined ? null : await findMembership(store, rid, userId);
		if (key !== undefined && !membership) throw clientError('subscriptionNotFound');
		if (room.e2eKeyId) {
			if (membership && room.e2eKeyId === keyID) await storeClaimed(context, membership, room, key as string);
			// An interrupted call may have left a key under another id. A key without an id may be the room's key.
			else if (membership && keyIdOf(key as string) !== null)
				await restoreOrRemoveKey(store, membership, key as string, room, false);
			return presentKeyId(context, rid, room);
		}
		if (membership) return claimWithKey(context, membership, keyID, key as string);
		const claimed = await claimKeyId(store, rid, keyID);
		if (!claimed) return presentKeyId(context, rid, await readKeyedRoom(store, rid));
		return { keyID };
	},
});
