/** `e2e.returnRoomKey` (`test/contract/beyond.md` E16): a member whose key of a room does not work puts it away and waits again. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { hasHolder, tellNoHolder } from '../model/keys/holders.js';
import { type KeyedRoom, keyedRoom } from '../model/keys/keyId.js';
import { offererOf, withRecord } from '../model/keys/knownKeys.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { archiveCurrentKey, findPlace, sameKeys, tellMember } from '../model/keys/memberKeys.js';
import { holdsKey } from '../model/keys/offers.js';
import { endLeases } from '../model/keys/providerReservation.js';
import { enqueue } from '../model/keys/queue.js';
import { keyIn, sameKey } from '../model/keys/storedKeys.js';

/**
 * Archives the key as returned, with the member who had offered it, in one write.
 * @returns the membership as it then is; null where its keys have changed meanwhile
 */
function archiveReturned(store: Store, membership: Subscription, room: KeyedRoom): Promise<Subscription | null> {
	const key = keyIn(membership) as string;
	const keyId = room.e2eKeyId || '';
	const by = offererOf(membership, key);
	const oldRoomKeys = archiveCurrentKey(membership, keyId).map((old) =>
		old.E2EKey === key ? { ...old, returned: true, ...(by && { offeredBy: by }) } : old,
	);
	return store.subscriptions.findOneAndUpdate(
		{ ...sameKeys(membership), ...sameKey('E2ESuggestedKey', membership.E2ESuggestedKey) },
		{
			$set: { oldRoomKeys, e2eKnownKeys: withRecord(membership, key, { keyId, by, returned: true }) },
			$unset: { E2EKey: 1 },
		},
		{ returnDocument: 'after' },
	);
}

export const returnRoomKey = method({
	name: 'e2e.returnRoomKey',
	args: { rid: String },
	rest: 'POST',
	limit: KEY_CALLS,
	once: true,
	summary: "Puts the caller's key of a room away because it does not work, and waits for one from another member",
	async run({ rid }, context): Promise<{ lastKeyHolder: true } | undefined> {
		const { name, userId, store } = context;
		for (;;) {
			const membership = await findPlace(store, rid, userId);
			if (!membership) throw clientError('subscriptionNotFound', { method: name });
			if (!keyIn(membership)) {
				// A call that was interrupted after it put the key away has not queued its member.
				await enqueue(context, rid, userId);
				throw clientError('noRoomKey', { method: name });
			}
			const room = (await keyedRoom(store, rid)) ?? { _id: rid };
			const after = await archiveReturned(store, membership, room);
			if (!after) continue;
			tellMember(context, after);
			endLeases(store, rid, [userId]);
			await enqueue(context, rid, userId);
			if (!holdsKey(membership, room) || (await hasHolder(store, rid))) return undefined;
			tellNoHolder(context, rid, userId);
			return { lastKeyHolder: true };
		}
	},
});
