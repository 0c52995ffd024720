/**
 * A member's own key of a room. A reset of the room archives every key and then sets a new key id. A key stored
 * meanwhile may be one that the reset has missed; so the room is read again once the key is stored, and a key that came
 * too late is archived and refused. So every acknowledged key is either the present key or among the former ones.
 */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import { holdsKey } from './memberKeys.js';
import { enqueue } from './queue.js';
import { type KeyedRoom, keyedRoom, wasReset } from './roomKeyId.js';
import { ownKeyOf } from './storedKeys.js';
import { archive, store as storing } from './transitions.js';

/**
 * Stores a member's own key. Does not notify the member.
 * @param removesOffer whether an offer is removed; false while it is undecided whether the new key is the room's
 * @returns the updated membership; null if this key was already stored or the membership does not exist any more
 * @throws ClientError `error-key-in-use`
 */
export function storeMemberKey(
	store: Store,
	membership: Subscription,
	room: KeyedRoom,
	key: string,
	removesOffer = true,
): Promise<Subscription | null> {
	return applyTransition(store, membership, storing(key, room, removesOffer), { silent: true });
}

/**
 * Reads the room again after a key was stored.
 * @param before the room as it was when the key was accepted as one of its keys
 * @throws ClientError `error-key-id-mismatch` where the room was reset meanwhile; the key is then archived and the
 * member queued
 */
export async function requireNoReset(
	store: Store,
	membership: Subscription,
	before: KeyedRoom,
	key: string,
): Promise<void> {
	const now = await keyedRoom(store, membership.rid);
	if (!now || !wasReset(before, now, key)) return;
	await applyTransition(store, membership, archive(key, now, { keyId: before.e2eKeyId }));
	await enqueue(store, membership.rid, membership.u._id);
	throw clientError('keyIdMismatch');
}

/**
 * Removes a member's key that is not one of the room's. If it had replaced one of the room's keys, that key is
 * restored.
 * @param keep whether the key is kept among the former ones; if not, the member was never notified of it, and is not
 * notified now
 * @returns the updated membership; null if the key was not stored
 */
export async function restoreOrRemoveKey(
	store: Store,
	{ _id }: Pick<Subscription, '_id'>,
	key: string,
	room: Pick<KeyedRoom, 'e2eKeyId'>,
	keep: boolean,
): Promise<Subscription | null> {
	const membership = await store.subscriptions.findOne({ _id, E2EKey: key });
	return membership && applyTransition(store, membership, archive(key, room, { keep }), { silent: !keep });
}

/**
 * Archives a member's key whose key id is not the room's, and queues the member. Such a key is left by an interrupted
 * call after a reset of the room, or after another caller claimed the key id first. If the room has no key id, the key
 * stays, because its id may be claimed next.
 * @returns whether there was such a key, and the member has none now
 */
export async function archiveMismatchedKey(
	store: Store,
	membership: Subscription,
	{ e2eKeyId }: Pick<KeyedRoom, 'e2eKeyId'>,
): Promise<boolean> {
	const key = ownKeyOf(membership);
	if (!key || !e2eKeyId || holdsKey(membership, { e2eKeyId })) return false;
	const after = await restoreOrRemoveKey(store, membership, key, { e2eKeyId }, true);
	if (after?.E2EKey) return false;
	await enqueue(store, membership.rid, membership.u._id);
	return true;
}
