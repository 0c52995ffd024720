/**
 * `e2e.requestSubscriptionKeys` (`test/contract/rocketchat-e2e.md` 4.6): asks the other members for the keys of all rooms
 * whose key the caller lacks.
 */
import { method } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { ownKeyOf } from '../model/keys/storedKeys.js';
import { archiveMismatchedKey } from '../model/keys/storeMemberKey.js';
import { type RoomsOfUserOptions, roomsOfUser } from '../model/memberships/roomsOfUser.js';
import { isEncryptionEnabled } from '../model/rooms/clientRoom.js';

/** The rooms that have a key id, and the fields that `run` needs. */
const READ_OPTIONS = {
	membershipFields: { u: 1, E2EKey: 1, e2eKnownKeys: 1 },
	rooms: { e2eKeyId: { $exists: true, $nin: [null, ''] } },
	roomFields: { e2eKeyId: 1 },
} satisfies RoomsOfUserOptions;

export const requestSubscriptionKeys = method({
	name: 'e2e.requestSubscriptionKeys',
	args: {},
	...KEY_WRITE_DEFAULTS,
	rest: { verb: 'POST', path: 'e2e.requestSubscriptionKeys', empty: true },
	summary: 'Asks the other members for the keys of all rooms whose key the caller lacks',
	returns: Boolean,
	errors: [],
	async run(_args, context) {
		const { userId, store, events, signal } = context;
		// While encryption is switched off, clients receive no key ids (`test/contract/beyond.md` E13).
		if (!(await isEncryptionEnabled(store))) return true;
		const pause = createYielder();
		for await (const { memberships, rooms } of roomsOfUser(store, userId, { ...READ_OPTIONS, signal })) {
			const keyIds = new Map(rooms.map(({ _id, e2eKeyId }) => [_id, e2eKeyId]));
			for (const membership of memberships) {
				await pause();
				const e2eKeyId = keyIds.get(membership.rid);
				if (!e2eKeyId) continue;
				const wasArchived = await archiveMismatchedKey(store, membership, { e2eKeyId });
				const hasKey = ownKeyOf(membership) !== undefined && !wasArchived;
				if (hasKey) continue;
				events.emit('notify', {
					stream: 'notify-room',
					eventName: `${membership.rid}/e2e.keyRequest`,
					args: [e2eKeyId],
				});
			}
		}
		return true;
	},
});
