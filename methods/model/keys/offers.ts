/**
 * Keys that members offer each other (`test/contract/rocketchat-e2e.md` 4.4, 4.8, 5.4): the first offer stays until the
 * member accepts or rejects it.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import { hasReturned } from './knownKeys.js';
import { awaitsDecision, holdsKey } from './memberKeys.js';
import { enqueue } from './queue.js';
import type { KeyedRoom } from './roomKeyId.js';
import { drop, offer } from './transitions.js';

/** Why an offer is not stored. */
export type OfferRefusal = 'not-a-member' | 'already-holds-key' | 'already-offered' | 'returned';

/** A key that a member has sealed for another, and the former keys that come with it. */
export interface Offer {
	readonly key: string;
	readonly by: string;
	readonly oldKeys?: readonly OldRoomKey[] | undefined;
}

/**
 * Offers a member the key of their room, unless they hold it, have an offer already, or have returned such a key to the
 * same caller. Does not notify the member.
 * @returns the updated membership, or the reason why the offer was not stored
 */
export async function offerKey(
	store: Store,
	membership: Subscription,
	room: KeyedRoom,
	{ key, ...origin }: Offer,
): Promise<Subscription | OfferRefusal> {
	let reason: OfferRefusal | undefined;
	const after = await applyTransition(
		store,
		membership,
		(keys, seen) => {
			if (holdsKey(seen, room)) reason = 'already-holds-key';
			else if (awaitsDecision(seen, room)) reason = 'already-offered';
			else if (hasReturned(keys.known, origin.by, room.e2eKeyId)) reason = 'returned';
			else reason = undefined;
			return reason ? null : offer(key, room, origin)(keys);
		},
		{ silent: true },
	);
	return after ?? reason ?? 'not-a-member';
}

/** Withdraws an offer before its member is notified of it. */
export async function withdraw(store: Store, membership: Subscription): Promise<void> {
	await applyTransition(store, membership, drop(membership.E2ESuggestedKey), { silent: true });
}

/**
 * Removes an offer, if it is still the one that was read. The member is queued first, so that a crash cannot leave a
 * member with neither an offer nor a place in the queue.
 */
export async function dropOffer(store: Store, membership: Subscription): Promise<void> {
	await enqueue(store, membership.rid, membership.u._id);
	await applyTransition(store, membership, drop(membership.E2ESuggestedKey));
}
