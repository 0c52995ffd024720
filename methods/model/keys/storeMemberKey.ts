/**
 * A member's own key of a room, from the one who stores it to its place. A reset of the room takes every key out of its
 * place and then names a new one. A key stored meanwhile may be one that it has passed by; so the room is looked at again
 * once the key is stored, and a key that came too late is put with the old ones and refused. Whatever was acknowledged is
 * then either the present key or among the old.
 */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { type Filter, isDuplicateKey, type UpdateFilter } from '../../../shared/store.js';
import { type KeyedRoom, keyedRoom, wasReset } from './keyId.js';
import { withRecord } from './knownKeys.js';
import { archiveCurrentKey, archiveKey, sameKeys, tellMember, withOffered } from './memberKeys.js';
import { awaitsDecision, holdsKey } from './offers.js';
import { enqueue } from './queue.js';
import { isOfKeyId, keyIdOf } from './sealedKey.js';
import { keyIn, oldKeysIn, sameKey } from './storedKeys.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

/**
 * Writes a key into a place, by a filter that holds as long as the place is as it was seen.
 * @returns the place as it then is; null where it has changed
 * @throws ClientError `error-key-in-use` for a key that is another member's, or another room's, already
 */
export async function writeKey(
	{ store, name }: Context,
	filter: Filter<Subscription>,
	update: UpdateFilter<Subscription>,
): Promise<Subscription | null> {
	try {
		return await store.subscriptions.findOneAndUpdate(filter, update, { returnDocument: 'after' });
	} catch (error) {
		throw isDuplicateKey(error) ? clientError('keyInUse', { method: name }) : error;
	}
}

/**
 * Stores a member's own key. One that it replaces goes to the old ones in the same write, and an offer of the room's key
 * goes, which would be announced for ever; who has no old keys takes those that came with it. Nobody is told yet.
 * @param decides whether an offer goes; not as long as the key may turn out to be none of the room's
 * @returns the place as it then is; null where the very key was there, or the place is gone
 * @throws ClientError `error-key-in-use`
 */
export async function storeOwnKey(
	context: Context,
	place: Subscription,
	room: KeyedRoom,
	key: string,
	decides = true,
): Promise<Subscription | null> {
	const { store } = context;
	for (let seen: Subscription | null = place; seen; seen = await store.subscriptions.findOne({ _id: place._id })) {
		const takes = decides && awaitsDecision(seen, room);
		if (seen.E2EKey === key && !takes) return null;
		const oldRoomKeys = (takes ? withOffered : archiveCurrentKey)(seen, room.e2eKeyId, key);
		const archived = oldRoomKeys.length > 0 && { oldRoomKeys };
		const keyId = room.e2eKeyId || '';
		const known = !isOfKeyId(key, keyId) && { e2eKnownKeys: withRecord(seen, key, { keyId }) };
		const dropped = takes && { $unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 } as const };
		const same = { ...sameKeys(seen), ...sameKey('E2ESuggestedKey', seen.E2ESuggestedKey) };
		const after = await writeKey(context, same, { $set: { E2EKey: key, ...archived, ...known }, ...dropped });
		if (after) return after;
	}
	return null;
}

/**
 * Looks once more, after a key was stored, whether it is still one of the room's.
 * @param before the room as it was when the key was found good
 * @throws ClientError `error-key-id-mismatch` where the room was reset meanwhile; the key is then among the old ones, and
 * its member in the queue
 */
export async function requireNoReset(
	context: Context,
	{ _id, rid, u }: Subscription,
	before: KeyedRoom,
	key: string,
): Promise<void> {
	const { store, name } = context;
	if (!wasReset(before, await keyedRoom(store, rid), key)) return;
	await archiveKey(context, _id, key, before.e2eKeyId);
	await enqueue(context, rid, u._id);
	throw clientError('keyIdMismatch', { method: name });
}

/**
 * Lets a member's key give way that is not one of the room's. If it had taken the place of one that is, as that of a
 * second device may, that one returns.
 * @param keep whether the key is put with the old ones
 * @returns the place as it then is; null where the key was not there
 */
export async function restoreOrRemoveKey(
	{ store }: Pick<Context, 'store'>,
	placeId: string,
	key: string,
	{ e2eKeyId }: Pick<KeyedRoom, 'e2eKeyId'>,
	keep: boolean,
): Promise<Subscription | null> {
	for (;;) {
		const seen = await store.subscriptions.findOne({ _id: placeId, E2EKey: key });
		if (!seen) return null;
		const former = oldKeysIn(seen.oldRoomKeys);
		const present = former.find((old) => !!e2eKeyId && old.returned !== true && keyIdOf(old.E2EKey) === e2eKeyId);
		const others = former.filter((old) => old !== present);
		const oldRoomKeys = keep ? archiveCurrentKey({ E2EKey: key, oldRoomKeys: others }, e2eKeyId) : others;
		const old = (keep || present) && { oldRoomKeys };
		const after = await store.subscriptions.findOneAndUpdate(
			sameKeys(seen),
			present ? { $set: { E2EKey: present.E2EKey, ...old } } : { ...(old && { $set: old }), $unset: { E2EKey: 1 } },
			{ returnDocument: 'after' },
		);
		if (after) return after;
	}
}

/**
 * Puts a member's key with the old ones that is of another key id than the room's: whoever stored it was broken off when
 * the room was reset, or when another had named the key first. The member is queued. In a room that has no key id yet it
 * may be the one about to be named.
 * @returns whether there was such a key, and the member has none now
 */
export async function archiveMismatchedKey(
	context: Omit<Context, 'name'>,
	place: Pick<Subscription, '_id' | 'rid' | 'u' | 'E2EKey' | 'e2eKnownKeys'>,
	{ e2eKeyId }: Pick<KeyedRoom, 'e2eKeyId'>,
): Promise<boolean> {
	const { _id, rid, u } = place;
	const E2EKey = keyIn(place);
	if (!E2EKey || !e2eKeyId || holdsKey(place, { e2eKeyId })) return false;
	const after = await restoreOrRemoveKey(context, _id, E2EKey, { e2eKeyId }, true);
	if (after) tellMember(context, after);
	if (after?.E2EKey) return false;
	await enqueue(context, rid, u._id);
	return true;
}
