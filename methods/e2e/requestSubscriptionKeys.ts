/** `e2e.requestSubscriptionKeys` (`test/contract/rocketchat-e2e.md` 4.6): asks for the keys of all rooms one has none of. */
import type { Subscription } from '../../shared/documents.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { keyIn } from '../model/keys/storedKeys.js';
import { archiveMismatchedKey } from '../model/keys/storeMemberKey.js';
import { MEMBER } from '../model/memberships/members.js';
import { isEncryptionShown } from '../model/rooms/clientRoom.js';

/** Places looked at in one query. */
const PAGE = 200;

type Place = Pick<Subscription, '_id' | 'rid' | 'u' | 'E2EKey' | 'e2eKnownKeys'>;

/** All places of a user, a page at a time. */
async function* placePages(store: Store, userId: string): AsyncIterable<Place[]> {
	let last = '';
	for (;;) {
		const page = await store.subscriptions
			.find(
				{ 'u._id': userId, _id: { $gt: last }, ...MEMBER },
				{ projection: { rid: 1, u: 1, E2EKey: 1, e2eKnownKeys: 1 }, sort: { _id: 1 }, limit: PAGE },
			)
			.toArray();
		if (page.length > 0) yield page;
		if (page.length < PAGE) return;
		last = page.at(-1)?._id as string;
	}
}

export const requestSubscriptionKeys = method({
	name: 'e2e.requestSubscriptionKeys',
	args: {},
	rest: { verb: 'POST', path: 'e2e.requestSubscriptionKeys', empty: true },
	limit: KEY_CALLS,
	summary: 'Asks the other members of all rooms whose key the caller lacks',
	async run(_args, context) {
		const { userId, store, events } = context;
		// The event names the key (`test/contract/beyond.md` E13).
		if (!(await isEncryptionShown(store))) return true;
		for await (const places of placePages(store, userId)) {
			const rooms = await store.rooms
				.find(
					{ _id: { $in: places.map(({ rid }) => rid) }, e2eKeyId: { $exists: true, $nin: [null, ''] } },
					{ projection: { e2eKeyId: 1 } },
				)
				.toArray();
			const keyIds = new Map(rooms.map(({ _id, e2eKeyId }) => [_id, e2eKeyId]));
			for (const place of places) {
				const e2eKeyId = keyIds.get(place.rid);
				if (!e2eKeyId) continue;
				if (keyIn(place) && !(await archiveMismatchedKey(context, place, { e2eKeyId }))) continue;
				events.emit('notify', {
					stream: 'notify-room',
					eventName: `${place.rid}/e2e.keyRequest`,
					args: [e2eKeyId],
				});
			}
		}
		return true;
	},
});
