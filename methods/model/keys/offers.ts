/**
 * Offers: room keys that one member seals for another (`test/contract/rocketchat-e2e.md` 4.4, 4.8, 5.4). A membership
 * has at most one offer. A new offer replaces only an offer of a former room key.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import { hasReturned, isReturned } from './knownKeys.js';
import { awaitsDecision, holdsKey } from './memberKeys.js';
import { enqueue } from './queue.js';
import type { RoomKeyFields } from './roomKeyId.js';
import * as transitions from './transitions.js';

/**
 * Why an offer is not stored. `returned`: under the present key id, the member has returned a key of this offerer, or
 * this same sealed key from any offerer.
 */
export type OfferRefusal = 'not-a-member' | 'already-holds-key' | 'already-offered' | 'returned';

/** A key that a member has sealed for another. */
export interface Offer {
	readonly key: string;
	/** Id of the member who offers it. */
	readonly by: string;
	/** The former room keys, sealed for the same member. */
	readonly oldKeys?: readonly OldRoomKey[] | undefined;
}

/**
 * Offers a member the key of their room, and notifies the member. Does not notice a concurrent reset: see `withdraw`.
 * @returns the updated membership, or the reason why the offer was not stored
 */
export async function offerKey(
	store: Store,
	membership: Subscription,
	room: RoomKeyFields,
	{ key, by, oldKeys }: Offer,
): Promise<Subscription | OfferRefusal> {
	let reason: OfferRefusal | undefined;
	const updated = await applyTransition(store, membership, (keys, current) => {
		if (holdsKey(current, room)) reason = 'already-holds-key';
		else if (awaitsDecision(current, room)) reason = 'already-offered';
		else if (hasReturned(keys.records, by, room.e2eKeyId) || isReturned(keys.records, key, room.e2eKeyId))
			reason = 'returned';
		else reason = undefined;
		return reason ? null : transitions.offer(key, room, { by, oldKeys })(keys);
	});
	// Without an update or a reason, the membership does not exist any more.
	return updated ?? reason ?? 'not-a-member';
}

/** Removes an offer that a concurrent reset of the room's key has made useless. Notifies the member. */
export async function withdraw(store: Store, membership: Subscription): Promise<void> {
	await applyTransition(store, membership, transitions.drop(membership.E2ESuggestedKey));
}

/**
 * Queues the member, and then removes the offer in `membership`. A later offer stays. A call that is interrupted in
 * between leaves the member queued, with the offer. The member is queued again at the end: while there was an offer, a
 * concurrent call may have dequeued them as served.
 */
export async function enqueueAndDropOffer(store: Store, membership: Subscription): Promise<void> {
	await enqueue(store, membership.rid, membership.u._id);
	await applyTransition(store, membership, transitions.drop(membership.E2ESuggestedKey));
	await enqueue(store, membership.rid, membership.u._id);
}
