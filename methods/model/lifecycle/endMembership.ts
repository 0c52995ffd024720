/** Ends a membership, with the consequences for the room's key. */
import type { Room, Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { inParallel } from '../inParallel.js';
import { whereKeysUnchanged } from '../keys/applyTransition.js';
import { hasHolder, isLastHolder, notifyNoHolder } from '../keys/keyHolders.js';
import { holdsKey, type KeyIdField } from '../keys/memberKeys.js';
import { dequeue, removeServedUsers } from '../keys/queue.js';
import { readRoomKeyFields } from '../keys/roomKeyId.js';
import { markKeyStale, type StaleReason } from '../keys/staleKey.js';
import { offeredKeyOf, oldKeysOf, ownKeyOf } from '../keys/storedKeys.js';
import { addRoomToUser, MEMBER, removeRoomFromUser } from '../memberships/members.js';
import { membershipsOfUser } from '../memberships/roomsOfUser.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { recordRemoval } from '../trash.js';

type Context = Pick<MethodContext, 'store' | 'events'>;

/** Whether this user is the last key holder of the room, and the room has other members. */
export async function isLastHolderWithOthers(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await hasOtherMembers(store, rid, userId)) && isLastHolder(store, rid, userId);
}

/**
 * Notifies each room whose last key holder was this user, after the user was deactivated.
 * @returns whether there is such a room
 */
export async function notifyRoomsWithoutHolder(context: Context, userId: string): Promise<boolean> {
	const { store } = context;
	let lostLastHolder = false;
	const withKey = { E2EKey: { $exists: true } };
	for await (const page of membershipsOfUser(store, userId, withKey, { projection: { rid: 1 } })) {
		await inParallel(page, async ({ rid }) => {
			if (!(await isLastHolderWithOthers(store, rid, userId))) return;
			lostLastHolder = true;
			notifyNoHolder(context, rid, userId);
		});
	}
	return lostLastHolder;
}

async function hasOtherMembers(store: Store, rid: string, userId: string): Promise<boolean> {
	const others: Filter<Subscription> = { rid, 'u._id': { $ne: userId }, ...MEMBER };
	return exists(store.subscriptions, others);
}

/**
 * Whether a member may know the room's key. They may if they have a key or an offer, or if the room's key is among
 * their former keys. A key becomes a former key, for example, when the member gets new identity keys.
 */
function mayKnowKey(membership: Subscription, { e2eKeyId }: KeyIdField): boolean {
	if (ownKeyOf(membership) !== undefined || offeredKeyOf(membership) !== undefined) return true;
	const oldKeys = [...oldKeysOf(membership.oldRoomKeys), ...oldKeysOf(membership.suggestedOldRoomKeys)];
	return !!e2eKeyId && oldKeys.some((old) => old.e2eKeyId === e2eKeyId);
}

/**
 * Removes a membership, and the user from the room's queue. Notifies the user and the room. A key that the user may
 * know is marked as stale (`test/contract/beyond.md` E12). The room is also notified if it has lost its last key holder
 * (E11). The calling code checks permissions and confirmations.
 *
 * The user's other traces are removed first. If a crash interrupts the call before the membership is removed, a
 * repeated call removes the rest. Once the membership is removed, a repeated call only removes the user from the
 * queue. After the membership, traces that concurrent calls have made are removed too. A crash can leave the member
 * count one too high.
 * @returns `lostLastHolder`: whether the user was the last who held the key and the room has other members
 */
export async function endMembership(
	context: Context,
	{ _id: rid }: Pick<Room, '_id'>,
	userId: string,
	reason: StaleReason,
): Promise<{ lostLastHolder: boolean }> {
	const { store } = context;
	// Read when it is needed, because a reset may replace the key meanwhile.
	const readKeyId = async () => (await readRoomKeyFields(store, rid)) ?? {};
	// Dequeues even without a membership: an earlier call may have been interrupted after it removed the membership.
	await dequeue(store, rid, [userId]);
	return retryOnConflict(async () => {
		const membership = await store.subscriptions.findOne({ rid, 'u._id': userId });
		if (!membership) return { lostLastHolder: false };
		if (mayKnowKey(membership, await readKeyId())) await markKeyStale(context, rid, reason);
		await recordRemoval(store, 'subscription', membership);
		await removeRoomFromUser(store, userId, rid);
		// Deletes nothing if the member's keys have changed meanwhile. Then everything is repeated: the member may know
		// the room's key now, and then it must be marked as stale before the membership is removed.
		const { deletedCount } = await store.subscriptions.deleteOne(whereKeysUnchanged(membership));
		if (deletedCount === 0) return CONFLICT;
		// Both again, because a concurrent call may have added the user to the room or its queue. A user who is a member
		// again and waits for the key is queued again.
		await removeRoomFromUser(store, userId, rid);
		const roomNotified = await removeServedUsers(store, rid, [userId]);
		// A concurrent call may have made the user a member again before the second `removeRoomFromUser`, which then
		// removed the room from the user's list of rooms. It is added again here.
		if (await exists(store.subscriptions, { rid, 'u._id': userId })) await addRoomToUser(store, userId, rid);
		if (membership.status !== 'INVITED') await decrementMemberCount(context, rid, roomNotified);
		// Checked after the removal, because the last two holders may leave concurrently.
		const lostLastHolder =
			holdsKey(membership, await readKeyId()) &&
			!(await hasHolder(store, rid)) &&
			(await hasOtherMembers(store, rid, userId));
		if (lostLastHolder) notifyNoHolder(context, rid, userId);
		return { lostLastHolder };
	});
}

/**
 * Decrements the member count. Notifies the room, even if the count cannot be decremented.
 * @param roomNotified true: the room has already been notified of the removal
 */
async function decrementMemberCount({ store }: Context, rid: string, roomNotified: boolean): Promise<void> {
	const { matchedCount } = await store.rooms.updateOne(
		{ _id: rid, usersCount: { $gt: 0 } },
		{ $inc: { usersCount: -1 } },
	);
	if (matchedCount === 0 && !roomNotified) await store.rooms.announce('updated', { _id: rid });
}
