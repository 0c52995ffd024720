/** Archives all keys that a member has of a room: after a reset of the room, or with a new identity key. */
import type { Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { applyTransition } from './applyTransition.js';
import { clear } from './transitions.js';

/**
 * Archives a member's key and removes the offer, in one write. Notifies the member. Does nothing if the member has
 * neither.
 * @param membership as it was read; it is read again if its keys have changed meanwhile
 * @param mayArchive called after each read; false leaves the membership unchanged
 * @returns the updated membership; null if nothing changed or the membership does not exist any more
 */
export async function archiveAllKeys(
	store: Store,
	membership: Subscription,
	e2eKeyId: string | null | undefined,
	mayArchive: (membership: Subscription) => boolean | Promise<boolean> = () => true,
): Promise<Subscription | null> {
	return applyTransition(store, membership, async (keys, seen) =>
		(await mayArchive(seen)) ? clear({ e2eKeyId })(keys) : null,
	);
}
