/** Archives a member's key of a room, because the room's key was reset. */
import type { Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import * as transitions from './transitions.js';

/**
 * Archives a member's key, and removes the offer and the records about keys, in one write. Notifies the member. Does
 * nothing if none of these is stored.
 * @param membership as it was read. If its keys have changed since, it is read again
 * @param e2eKeyId key id under which the key is archived if its text does not begin with a key id
 * @param mayArchive called for the membership, and again each time it is read again; false leaves it unchanged
 * @returns the updated membership; null if nothing changed or the membership does not exist any more
 */
export async function archiveKeyAndRemoveOffer(
	store: Store,
	membership: Subscription,
	e2eKeyId: string | null | undefined,
	mayArchive: (membership: Subscription) => boolean | Promise<boolean> = () => true,
): Promise<Subscription | null> {
	return applyTransition(store, membership, async (keys, current) =>
		(await mayArchive(current)) ? transitions.clear({ e2eKeyId })(keys) : null,
	);
}
