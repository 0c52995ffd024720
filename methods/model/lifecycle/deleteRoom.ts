import { batchesOf } from '../../../shared/batches.js';
import type { Room, Subscription } from '../../../shared/documents.js';
import type { MethodContext, UserContext } from '../../../shared/method.js';
import type { Filter } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { exists } from '../exists.js';
import { membershipsOf } from '../memberships/members.js';
import { throwIfAborted } from '../signal.js';
import { recordRemoval } from '../trash.js';

type Context = Pick<MethodContext, 'store' | 'events'> & { readonly signal?: AbortSignal };

const BATCH = 100;

/**
 * Deletes a room with its memberships, and notifies each member of both removals (`test/contract/rocketchat-e2e.md`
 * 10.2). The membership of the user who deletes the room is removed last. So after a crash this user may repeat the
 * call.
 * @param deleterId the user who deletes the room, member or not
 */
export async function deleteRoom(context: Context, room: Room, deleterId: string): Promise<void> {
	const { store, events } = context;
	const { _id } = room;
	await deleteMemberships(context, room, { 'u._id': { $ne: deleterId } });
	await recordRemoval(store, 'room', { _id });
	await store.rooms.deleteOne({ _id }, { silent: true });
	try {
		// A direct room may have been created again with the same id. Without the signal: the call is completed even if it
		// was aborted.
		if (!(await exists(store.rooms, { _id }))) await deleteMemberships({ store, events }, room, {});
	} finally {
		await store.rooms.announce('removed', room);
	}
}

/** Removes the memberships that a deleted room still has. */
export async function deleteOrphanedMemberships(
	context: Context,
	rid: string,
	extraFilter: Filter<Subscription> = {},
): Promise<void> {
	await deleteMemberships(context, { _id: rid }, extraFilter);
}

/**
 * Completes the interrupted deletion of a room, if the caller still has a membership in it.
 * @returns whether there was such a membership
 */
export async function completeDeletion(
	context: Context & Pick<UserContext, 'userId'>,
	rid: string | undefined,
): Promise<boolean> {
	const { store, userId } = context;
	if (!rid || (await exists(store.rooms, { _id: rid }))) return false;
	if (!(await exists(store.subscriptions, { rid, 'u._id': userId }))) return false;
	await deleteOrphanedMemberships(context, rid);
	return true;
}

async function deleteMemberships(
	context: Context,
	room: Pick<Room, '_id'> & Partial<Room>,
	extraFilter: Filter<Subscription>,
): Promise<void> {
	const pause = createYielder();
	for await (const page of membershipsOf(context.store, room._id, extraFilter, { rid: 1, u: 1, t: 1 })) {
		for (const batch of batchesOf(page, BATCH)) {
			throwIfAborted(context.signal);
			await pause();
			await removeBatch(context, room, batch);
		}
	}
}

async function removeBatch(
	{ store, events }: Context,
	{ _id: rid, t, name }: Pick<Room, '_id'> & Partial<Room>,
	memberships: readonly Subscription[],
): Promise<void> {
	await Promise.all(memberships.map((membership) => recordRemoval(store, 'subscription', membership)));
	const userIds = memberships.map(({ u }) => u._id);
	await store.users.updateMany({ _id: { $in: userIds }, __rooms: rid }, { $pull: { __rooms: rid } }, { silent: true });
	await store.subscriptions.deleteMany({ _id: { $in: memberships.map(({ _id }) => _id) } });
	const room = { _id: rid, ...(t && { t }), ...(name !== undefined && { name }) };
	for (const { u } of memberships) {
		// A change of a room reaches only its members, and these users are no longer members.
		events.emit('notify', { stream: 'notify-user', eventName: `${u._id}/rooms-changed`, args: ['removed', room] });
	}
}
