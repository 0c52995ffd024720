/** A key that somebody knows who should not any more (`contract/beyond.md` E12). The server has no key, so it never makes a new one. */
import type { MethodContext } from '../../shared/method.js';

/** Why a key is stale. */
export type StaleReason = 'member-left' | 'member-removed' | 'user-deleted';

/**
 * Marks the key of a room as stale, and tells its owners; where nobody is owner, as in direct rooms, all members. A room
 * without a key, or whose key is stale already, stays as it is.
 */
export async function markStale(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	rid: string,
	reason: StaleReason,
): Promise<void> {
	const stale = { since: new Date(), reason };
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, e2eKeyId: { $exists: true, $nin: [null, ''] }, e2eStale: { $exists: false } },
		{ $set: { e2eStale: stale } },
		{ returnDocument: 'after' },
	);
	if (!room) return;
	events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	const told = room.t === 'd' ? { rid } : { rid, roles: 'owner' };
	for await (const { u } of store.subscriptions.find(told, { projection: { 'u._id': 1 } })) {
		events.emit('notify', { stream: 'notify-user', eventName: `${u._id}/e2eKeyStale`, args: [rid, stale] });
	}
}
