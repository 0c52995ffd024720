import type { Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import * as transitions from './transitions.js';

/**
 * Archives a member's key, and removes the offer and the records about keys, in one write. Notifies the member.
 * @param e2eKeyId key id of the archived key, if the key shows none
 * @param mayArchive called for `membership`, and again each time it is read again; false leaves it unchanged
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
