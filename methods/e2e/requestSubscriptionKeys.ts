/**
 * `e2e.requestSubscriptionKeys` (`test/contract/rocketchat-e2e.md` 4.6): asks the other members for the keys of all rooms
 * whose key the caller lacks.
 */
import { method } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_SERVICE_WRITE } from '../kinds.js';
import { ownKeyOf } from '../model/keys/storedKeys.js';
import { archiveMismatchedKey } from '../model/keys/storeMemberKey.js';
import { MEMBER } from '../model/memberships/members.js';
import { pagesOf } from '../model/pages.js';
import { isEncryptionShown } from '../model/rooms/clientRoom.js';

const FIELDS = { rid: 1, u: 1, E2EKey: 1, e2eKnownKeys: 1 } as const;

export const requestSubscriptionKeys = method({
	name: 'e2e.requestSubscriptionKeys',
	args: {},
	...KEY_SERVICE_WRITE,
	rest: { verb: 'POST', path: 'e2e.requestSubscriptionKeys', empty: true },
	summary: 'Asks the other members for the keys of all rooms whose key the caller lacks',
	returns: Boolean,
	errors: [],
	async run(_args, context) {
		const { userId, store, events, signal } = context;
		// While encryption is switched off, clients receive no key ids, and this event contains one
		// (`test/contract/beyond.md` E13).
		if (!(await isEncryptionShown(store))) return true;
		const whereOwn = { 'u._id': userId, ...MEMBER };
		const pause = createYielder();
		for await (const memberships of pagesOf(store.subscriptions, whereOwn, { projection: FIELDS, signal })) {
			const rooms = await store.rooms
				.find(
					{ _id: { $in: memberships.map(({ rid }) => rid) }, e2eKeyId: { $exists: true, $nin: [null, ''] } },
					{ projection: { e2eKeyId: 1 } },
				)
				.toArray();
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
