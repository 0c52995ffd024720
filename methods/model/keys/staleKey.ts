/**
 * A room key is stale if a former member still knows it (`test/contract/beyond.md` E12). The server cannot make keys,
 * so it asks the owners for a reset.
 */
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { MEMBER, userIdsOfMemberships } from '../memberships/members.js';
import { isEncryptionEnabled } from '../rooms/clientRoom.js';

/** Why a key is stale. */
export type StaleReason = 'member-left' | 'member-removed' | 'user-deleted';

/**
 * Marks the key of a room as stale. Notifies the owners, or all members of a room without an owner. Does nothing if the
 * room has no key, or its key is already stale.
 */
export async function markKeyStale(
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
	// While encryption is switched off, clients receive no events about keys.
	if (!(await isEncryptionEnabled(store))) return;
	for await (const uid of usersToNotify(store, rid)) {
		events.emit('notify', { stream: 'notify-user', eventName: `${uid}/e2eKeyStale`, args: [rid, stale] });
	}
}

async function* usersToNotify(store: Store, rid: string): AsyncIterable<string> {
	let hasOwner = false;
	for await (const owners of userIdsOfMemberships(store, rid, { roles: 'owner' })) {
		hasOwner = true;
		yield* owners;
	}
	if (!hasOwner) for await (const members of userIdsOfMemberships(store, rid, MEMBER)) yield* members;
}
