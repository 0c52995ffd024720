/** Keys that members offer each other (`test/contract/rocketchat-e2e.md` 4.4, 4.8, 5.4): the first stays until its member has decided. */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { KeyedRoom } from './keyId.js';
import { hasReturned, isKnownAs, withRecord } from './knownKeys.js';
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
export function holdsKey(
	membership: Pick<Subscription, 'E2EKey' | 'e2eKnownKeys'>,
	{ e2eKeyId }: Pick<KeyedRoom, 'e2eKeyId'>,
): boolean {
	const key = keyIn(membership);
	return key !== undefined && (isOfKeyId(key, e2eKeyId) || isKnownAs(membership, key, e2eKeyId));
}

/**
 * Whether a member has an offer to decide on. An offer of another key id that was not made for the present one is replaced by
 * the next: an interrupted reset, or a Rocket.Chat on the same database, has left it.
 */
export function awaitsDecision(membership: Subscription, { e2eKeyId }: KeyedRoom): boolean {
	const key = offered(membership);
	return key !== '' && (isOfKeyId(key, e2eKeyId) || isKnownAs(membership, key, e2eKeyId));
}

/** Why an offer is not stored. */
export type OfferRefusal = 'not-a-member' | 'already-holds-key' | 'already-offered' | 'returned';

/**
 * Offers a member the key of their room, unless they hold it, have an offer already, or have returned such a key to the same
 * caller. The member is not notified yet.
 * @param key as it was given, with the former keys that come with it
 * @returns the membership as it then is, or why nothing was offered
 */
export async function offer(
	{ store }: Context,
	membership: Subscription,
	room: KeyedRoom,
	{ key, by, oldKeys }: { key: string; by: string; oldKeys?: OldRoomKey[] | undefined },
): Promise<Subscription | OfferRefusal> {
	const { rid, u } = membership;
	const keyId = room.e2eKeyId || '';
	for (let seen: Subscription | null = membership; seen; seen = await findPlace(store, rid, u._id)) {
		if (holdsKey(seen, room)) return 'already-holds-key';
		if (awaitsDecision(seen, room)) return 'already-offered';
		if (hasReturned(seen, by, keyId)) return 'returned';
		const known = { e2eKnownKeys: withRecord(seen, key, { keyId, by }) };
		const after = await store.subscriptions.findOneAndUpdate(
			{ ...sameKeys(seen), ...sameKey('E2ESuggestedKey', seen.E2ESuggestedKey) },
			oldKeys
				? { $set: { E2ESuggestedKey: key, suggestedOldRoomKeys: oldKeys, ...known } }
				: { $set: { E2ESuggestedKey: key, ...known }, $unset: { suggestedOldRoomKeys: 1 } },
			{ returnDocument: 'after' },
		);
		if (after) return after;
	}
	return 'not-a-member';
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
