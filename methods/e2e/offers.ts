/** Keys that members offer each other (`test/contract/rocketchat-e2e.md` 4.4, 4.8, 5.4): the first stays until its member has decided. */
import type { OldRoomKey, Subscription } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { KeyedRoom } from './keyId.js';
import { findPlace, sameKeys, tellMember } from './memberKeys.js';
import { enqueue } from './queue.js';
import { isOfKeyId } from './sealedKey.js';
import { keyIn, sameKey } from './storedKeys.js';

type Context = Pick<MethodContext, 'store' | 'events'>;

/** The key a member was offered, as it is accepted; empty without one. */
export function offered({ E2ESuggestedKey }: Pick<Subscription, 'E2ESuggestedKey'>): string {
	return typeof E2ESuggestedKey === 'string' ? E2ESuggestedKey.trim() : '';
}

/** Whether a member holds the present key of the room, as far as can be told. */
export function holdsKey(place: Pick<Subscription, 'E2EKey'>, { e2eKeyId }: Pick<KeyedRoom, 'e2eKeyId'>): boolean {
	const key = keyIn(place);
	return key !== undefined && isOfKeyId(key, e2eKeyId);
}

/** Whether a member has an offer to decide on. One under another key id is what a broken-off reset has left: nobody could use it. */
export function awaitsDecision(place: Subscription, { e2eKeyId }: KeyedRoom): boolean {
	const key = offered(place);
	return key !== '' && isOfKeyId(key, e2eKeyId);
}

/**
 * Offers a member the key of their room, unless they hold it or have an offer already. Nobody is told yet.
 * @param oldKeys former keys that come with it
 * @returns the place as it then is; null where nothing was offered
 */
export async function offer(
	{ store }: Context,
	place: Subscription,
	room: KeyedRoom,
	key: string,
	oldKeys?: OldRoomKey[],
): Promise<Subscription | null> {
	const { rid, u } = place;
	for (let seen: Subscription | null = place; seen; seen = await findPlace(store, rid, u._id)) {
		if (holdsKey(seen, room) || awaitsDecision(seen, room)) return null;
		const after = await store.subscriptions.findOneAndUpdate(
			{ ...sameKeys(seen), ...sameKey('E2ESuggestedKey', seen.E2ESuggestedKey) },
			oldKeys
				? { $set: { E2ESuggestedKey: key, suggestedOldRoomKeys: oldKeys } }
				: { $set: { E2ESuggestedKey: key }, $unset: { suggestedOldRoomKeys: 1 } },
			{ returnDocument: 'after' },
		);
		if (after) return after;
	}
	return null;
}

/** Takes back an offer nobody was told of. */
export async function withdraw({ store }: Context, { _id, E2ESuggestedKey }: Subscription): Promise<void> {
	const same = { _id, E2ESuggestedKey: E2ESuggestedKey as string };
	await store.subscriptions.updateOne(same, { $unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 } });
}

/**
 * Drops the very offer that was seen, not one that has come instead. Its member is back in the queue first, so that a
 * crash leaves nobody with neither.
 */
export async function dropOffer(context: Context, { _id, rid, u, E2ESuggestedKey }: Subscription): Promise<void> {
	await enqueue(context, rid, u._id);
	const after = await context.store.subscriptions.findOneAndUpdate(
		{ _id, E2ESuggestedKey: E2ESuggestedKey as string },
		{ $unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 } },
		{ returnDocument: 'after' },
	);
	if (after) tellMember(context, after);
}
