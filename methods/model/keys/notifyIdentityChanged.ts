import type { KeyHistoryEntry } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { MEMBER, userIdsOfMemberships } from '../memberships/members.js';
import { roomsOfUser } from '../memberships/roomsOfUser.js';

/**
 * Maximum number of user ids remembered to avoid duplicates: about 20 MB. Above it some users are notified more than
 * once.
 */
const MAX_REMEMBERED_IDS = 200_000;

async function* sharedRoomUsers(store: Store, userId: string): AsyncGenerator<string> {
	const yielded = new Set([userId]);
	const pause = createYielder();
	const encrypted = { rooms: { encrypted: true }, roomFields: { _id: 1 } } as const;
	for await (const { rooms } of roomsOfUser(store, userId, encrypted)) {
		for (const { _id: rid } of rooms) {
			for await (const uids of userIdsOfMemberships(store, rid, MEMBER)) {
				await pause();
				for (const uid of uids) {
					if (yielded.has(uid)) continue;
					if (yielded.size < MAX_REMEMBERED_IDS) yielded.add(uid);
					yield uid;
				}
			}
		}
	}
}

/**
 * Notifies the users who share an encrypted room with this user that this user has a new public key
 * (`test/contract/beyond.md` E15).
 * @param entry the newest entry of the user's key history
 */
export async function notifyIdentityChanged(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	entry: Pick<KeyHistoryEntry, 'ts' | 'hash'>,
): Promise<void> {
	const { ts, hash } = entry;
	for await (const recipient of sharedRoomUsers(store, userId)) {
		events.emit('notify', {
			stream: 'notify-user',
			eventName: `${recipient}/e2eIdentityChanged`,
			args: [userId, { ts, hash }],
		});
	}
}
