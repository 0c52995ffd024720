/** Notifies all users who share an encrypted room with a user that the user's identity key has changed. */
import type { KeyHistoryEntry } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { MEMBER, membershipsOf } from '../memberships/members.js';
import { pagesOf } from '../pages.js';

/**
 * Maximum number of users remembered to avoid duplicates. Above it some users are returned more than once. About 20 MB.
 */
const MAX_REMEMBERED = 200_000;

/** Ids of the users who share an encrypted room with a user. */
async function* sharedRoomUsers(store: Store, userId: string): AsyncGenerator<string> {
	const named = new Set([userId]);
	const pause = createYielder();
	const own = { 'u._id': userId, ...MEMBER };
	for await (const page of pagesOf(store.subscriptions, own, { projection: { rid: 1 } })) {
		const encrypted = { _id: { $in: page.map(({ rid }) => rid) }, encrypted: true };
		for (const { _id: rid } of await store.rooms.find(encrypted, { projection: { _id: 1 } }).toArray()) {
			for await (const members of membershipsOf(store, rid, MEMBER, {})) {
				await pause();
				for (const { u } of members) {
					if (named.has(u._id)) continue;
					if (named.size < MAX_REMEMBERED) named.add(u._id);
					yield u._id;
				}
			}
		}
	}
}

/** Notifies these users that the user's public key has changed (`test/contract/beyond.md` E15). */
export async function notifyIdentityChanged(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	{ ts, hash }: KeyHistoryEntry,
): Promise<void> {
	for await (const other of sharedRoomUsers(store, userId)) {
		events.emit('notify', {
			stream: 'notify-user',
			eventName: `${other}/e2eIdentityChanged`,
			args: [userId, { ts, hash }],
		});
	}
}
