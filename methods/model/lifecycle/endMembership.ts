/** Ends a membership, and updates the state of the room's key. */
import type { Room, Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { whereKeysUnchanged } from '../keys/applyTransition.js';
import { hasHolder, isLastHolder, notifyNoHolder } from '../keys/keyHolders.js';
import { holdsKey } from '../keys/memberKeys.js';
import { dequeue } from '../keys/queue.js';
import { markStale, type StaleReason } from '../keys/staleKey.js';
import { offeredKeyOf, oldKeysOf, ownKeyOf } from '../keys/storedKeys.js';
import { MEMBER } from '../memberships/members.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { noteRemoval } from '../trash.js';

type Context = Pick<MethodContext, 'store' | 'events'>;

/** Whether no remaining member would hold the key of a room if this user left. */
export async function wouldLeaveRoomWithoutHolder(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await hasOthers(store, rid, userId)) && isLastHolder(store, rid, userId);
}

async function hasOthers(store: Store, rid: string, userId: string): Promise<boolean> {
	const others: Filter<Subscription> = { rid, 'u._id': { $ne: userId }, ...MEMBER };
	return exists(store.subscriptions, others);
}

/** Whether a member knows the key of a room: it can also be among the archived keys, as after new identity keys. */
function knowsKey(membership: Subscription, { e2eKeyId }: Room): boolean {
	if (ownKeyOf(membership) !== undefined || offeredKeyOf(membership) !== undefined) return true;
	const old = [...oldKeysOf(membership.oldRoomKeys), ...oldKeysOf(membership.suggestedOldRoomKeys)];
	return !!e2eKeyId && old.some((key) => key.e2eKeyId === e2eKeyId);
}

/**
 * Removes a membership with its keys and roles, and the user from the queue. Notifies the user and the room. If the
 * user knows the key, it is marked as stale (`test/contract/beyond.md` E12). If no remaining member holds it, the room
 * is notified (E11). The caller of this function checks permissions and confirmations.
 *
 * The membership is removed last, so that an interrupted call can be repeated. Does nothing if there is no membership.
 */
export async function endMembership(
	context: Context,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lastKeyHolder: boolean }> {
	const { store } = context;
	const rid = room._id;
	const forgetRoom = () =>
		store.users.updateOne({ _id: userId, __rooms: rid }, { $pull: { __rooms: rid } }, { silent: true });
	await dequeue(store, rid, [userId]);
	return retryOnConflict(async () => {
		const membership = await store.subscriptions.findOne({ rid, 'u._id': userId });
		if (!membership) return { lastKeyHolder: false };
		if (knowsKey(membership, room)) await markStale(context, rid, reason);
		await noteRemoval(store, 'subscription', membership);
		await forgetRoom();
		// If the member has received a key since the membership was read, that key must be marked as stale first.
		const { deletedCount } = await store.subscriptions.deleteOne(whereKeysUnchanged(membership));
		if (deletedCount === 0) return CONFLICT;
		// A concurrent call that adds the user may have stored the room id in the user meanwhile.
		await forgetRoom();
		const isNotified = await dequeue(store, rid, [userId]);
		if (membership.status !== 'INVITED') await countOneLess(context, rid, isNotified);
		// Checked after the removal, because the last two members may leave concurrently.
		const lastKeyHolder =
			holdsKey(membership, room) && !(await hasHolder(store, rid)) && (await hasOthers(store, rid, userId));
		if (lastKeyHolder) notifyNoHolder(context, rid, userId);
		return { lastKeyHolder };
	});
}

async function countOneLess({ store }: Context, rid: string, isNotified: boolean): Promise<void> {
	const counted = await store.rooms.updateOne({ _id: rid, usersCount: { $gt: 0 } }, { $inc: { usersCount: -1 } });
	const room = counted.matchedCount > 0 || isNotified ? null : await store.rooms.findOne({ _id: rid });
	if (room) await store.rooms.announce('updated', room);
}
