/**
 * Stores a member's own key of a room. A concurrent reset of the room's key may miss that key. Then
 * `failIfResetMeanwhile` archives it, and the call fails.
 */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import { holdsKey } from './memberKeys.js';
import { enqueue } from './queue.js';
import { type RoomKeyFields, readRoomKeyFields, wasResetMeanwhile } from './roomKeyId.js';
import { ownKeyOf } from './storedKeys.js';
import * as transitions from './transitions.js';

/**
 * Stores a member's own key, and notifies the member. Does not notice a concurrent reset: see `failIfResetMeanwhile`.
 * @param options `removesOffer`: whether an offer of the room's key to this member is removed too. `silent` true: the
 * member is not notified
 * @returns the updated membership; null if this key was already stored or the membership does not exist any more
 * @throws ClientError `error-key-in-use` if another membership has the same key
 */
export function storeMemberKey(
	store: Store,
	membership: Subscription,
	room: RoomKeyFields,
	key: string,
	{ removesOffer = true, silent = false }: { readonly removesOffer?: boolean; readonly silent?: boolean } = {},
): Promise<Subscription | null> {
	return applyTransition(store, membership, transitions.store(key, room, removesOffer), { silent });
}

/**
 * Fails if the room's key was reset since `before` was read.
 * @param before the room as it was read when the key was checked against it
 * @throws ClientError `error-key-id-mismatch`; the stored key is then archived and the member queued
 */
export async function failIfResetMeanwhile(
	store: Store,
	membership: Subscription,
	before: RoomKeyFields,
	key: string,
): Promise<void> {
	const roomNow = await readRoomKeyFields(store, membership.rid);
	if (!roomNow || !wasResetMeanwhile(before.e2eKeyId, roomNow, key)) return;
	await applyTransition(store, membership, transitions.archive(key, roomNow, { keyId: before.e2eKeyId }));
	await enqueue(store, membership.rid, membership.u._id);
	throw clientError('keyIdMismatch');
}

/**
 * Removes a member's key that the calling code knows not to be the room's. If a former key of the member is the room's
 * key, it is restored.
 * @param options `keep` true: the key becomes a former key, and the member is notified. False: the key is discarded
 * silently, because the member was never notified of it
 * @returns the updated membership; null if the key was not the member's key any more
 */
export async function removeMismatchedKey(
	store: Store,
	{ _id }: Pick<Subscription, '_id'>,
	key: string,
	room: Pick<RoomKeyFields, 'e2eKeyId'>,
	{ keep }: { readonly keep: boolean },
): Promise<Subscription | null> {
	const membership = await store.subscriptions.findOne({ _id, E2EKey: key });
	return membership && applyTransition(store, membership, transitions.archive(key, room, { keep }), { silent: !keep });
}

/**
 * Archives a member's key that is not the room's key, and queues the member. Interrupted calls leave such keys. If the
 * room has no key id, the key stays, because its id may be claimed next.
 * @returns true if the member had such a key, and none was restored in its place
 */
export async function archiveMismatchedKey(
	store: Store,
	membership: Subscription,
	room: Pick<RoomKeyFields, 'e2eKeyId'>,
): Promise<boolean> {
	const key = ownKeyOf(membership);
	const isMismatched = ({ e2eKeyId }: typeof room) => !!e2eKeyId && !holdsKey(membership, { e2eKeyId });
	if (!key || !isMismatched(room)) return false;
	// A reset may have stored the key after `room` was read.
	const roomNow = await readRoomKeyFields(store, membership.rid);
	if (!roomNow || !isMismatched(roomNow)) return false;
	const updated = await removeMismatchedKey(store, membership, key, roomNow, { keep: true });
	if (updated?.E2EKey) return false;
	await enqueue(store, membership.rid, membership.u._id);
	return true;
}
