/** `e2e.setOrGetRoomKeyID` (`test/contract/beyond.md` E8): names the key of a room, or tells the name that stands. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { claimKeyId, type KeyedRoom, keyedRoom, requireValidKeyId } from '../model/keys/keyId.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { findPlace, tellMember } from '../model/keys/memberKeys.js';
import { holdsKey, offered } from '../model/keys/offers.js';
import { enqueue, leaveQueue } from '../model/keys/queue.js';
import { isOfKeyId, keyIdOf, requireKey, requireKeyId } from '../model/keys/sealedKey.js';
import { keyIn } from '../model/keys/storedKeys.js';
import { archiveMismatchedKey, requireNoReset, restoreOrRemoveKey, storeOwnKey } from '../model/keys/storeMemberKey.js';
import { requireRoomAccess } from '../model/rooms/access.js';

interface Standing {
	/** Key id of the room. */
	readonly keyID: string;
	/** Its key, sealed for the caller, where another member has offered it already. */
	readonly suggestedKey?: string;
}

type Context = MethodContext & { readonly userId: string };

/** What the caller is told where a name stands: that name. Who does not hold its key is queued for it. */
async function standing(context: Context, rid: string, room: KeyedRoom | null): Promise<Standing> {
	const { store, userId, name } = context;
	const keyID = room?.e2eKeyId;
	// The room is being reset: it has a name in a moment.
	if (!room || !keyID) throw clientError('resetInProgress', { method: name });
	const place = await findPlace(store, rid, userId);
	if (!place) return { keyID };
	if (!(await archiveMismatchedKey(context, place, room))) {
		// Who has the key is the winner, who did not hear so and was perhaps broken off before leaving the queue.
		await (keyIn(place) ? leaveQueue(context, rid, [userId]) : enqueue(context, rid, userId));
	}
	const suggestedKey = offered(place);
	return suggestedKey !== '' && isOfKeyId(suggestedKey, keyID) ? { keyID, suggestedKey } : { keyID };
}

/**
 * Stores the own key and names it. The key comes first: who dies in between leaves one that its key id betrays, and a
 * room that anybody may still name; the other way round nobody would hold the key of a room that has one.
 */
async function setWithKey(context: Context, place: Subscription, keyID: string, key: string): Promise<Standing> {
	const { store, events } = context;
	const { rid, u } = place;
	const stored = await storeOwnKey(context, place, { _id: rid, e2eKeyId: keyID }, key, false);
	const named = await claimKeyId(store, rid, keyID);
	if (!named) {
		const room = await keyedRoom(store, rid);
		// The same name may have come from this very member, who called twice at once: then this is the winner's key. Else
		// the key is taken back. Nobody was told of it. One that was there before, and does not tell its id, may be the room's.
		const isOurs = stored !== null || keyIdOf(key) !== null;
		if (isOurs && room?.e2eKeyId !== keyID) await restoreOrRemoveKey(context, place._id, key, room ?? {}, false);
		return standing(context, rid, room);
	}
	events.emit('changed', { collection: 'rooms', action: 'updated', document: named });
	// Another device of the same member, which loses the race, may have put its own key there meanwhile.
	const kept = await findPlace(store, rid, u._id);
	const after = kept && ((await storeOwnKey(context, kept, named, key)) ?? kept);
	if (after) tellMember(context, after);
	await leaveQueue(context, rid, [u._id]);
	return { keyID };
}

/**
 * Stores the own key under the name that stands and is the caller's own: they gave it without a key, or were broken off
 * before theirs was stored. Nobody else might hold it. Who has the key already keeps the one they have.
 */
async function storeNamed(context: Context, place: Subscription, room: KeyedRoom, key: string): Promise<void> {
	if (holdsKey(place, room)) return;
	const after = await storeOwnKey(context, place, room, key);
	if (!after) return;
	await requireNoReset(context, after, room, key);
	tellMember(context, after);
}

export const setOrGetRoomKeyID = method({
	name: 'e2e.setOrGetRoomKeyID',
	args: { rid: String, keyID: String, key: Match.Optional(String) },
	rest: 'POST',
	limit: KEY_CALLS,
	once: true,
	summary: 'Sets the key id of a room, and the own key with it, or tells the key id that stands',
	async run({ rid, keyID, key }, context): Promise<Standing> {
		const { name, userId, store, events } = context;
		requireValidKeyId(keyID, name);
		if (key !== undefined) {
			requireKey(key, name);
			requireKeyId(key, keyID, name);
		}
		const room = await requireRoomAccess(store, rid, userId, name);
		const place = key === undefined ? null : await findPlace(store, rid, userId);
		if (key !== undefined && !place) throw clientError('subscriptionNotFound', { method: name });
		if (room.e2eKeyId) {
			if (place && room.e2eKeyId === keyID) await storeNamed(context, place, room, key as string);
			// Left by a call that was broken off before it had lost. One that does not tell its id may be the room's.
			else if (place && keyIdOf(key as string) !== null)
				await restoreOrRemoveKey(context, place._id, key as string, room, false);
			return standing(context, rid, room);
		}
		if (place) return setWithKey(context, place, keyID, key as string);
		const named = await claimKeyId(store, rid, keyID);
		if (!named) return standing(context, rid, await keyedRoom(store, rid));
		events.emit('changed', { collection: 'rooms', action: 'updated', document: named });
		return { keyID };
	},
});
