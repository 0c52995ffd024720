/**
 * A room key that a former member still knows is stale (`test/contract/beyond.md` E12). The server cannot make a new
 * key, because it never has the plain key.
 */
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { MEMBER, memberIdsOf } from '../memberships/members.js';
import { isEncryptionShown } from '../rooms/clientRoom.js';

/** Why a key is stale. */
export type StaleReason = 'member-left' | 'member-removed' | 'user-deleted';

/**
 * Marks the key of a room as stale, and notifies its owners by `<uid>/e2eKeyStale`; without an owner, as in direct
 * rooms, it notifies all members. Does nothing if the room has no key, or its key is already stale.
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
	if (!(await isEncryptionShown(store))) return;
	for await (const uid of usersToNotify(store, rid)) {
		events.emit('notify', { stream: 'notify-user', eventName: `${uid}/e2eKeyStale`, args: [rid, stale] });
	}
}

/** Ids of the owners of a room; of all members if it has no owner. */
async function* usersToNotify(store: Store, rid: string): AsyncIterable<string> {
	let hasOwner = false;
	for await (const owners of memberIdsOf(store, rid, { roles: 'owner' })) {
		hasOwner = true;
		yield* owners;
	}
	if (!hasOwner) for await (const members of memberIdsOf(store, rid, MEMBER)) yield* members;
}
