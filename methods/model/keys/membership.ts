/** The membership that a member's keys of a room are stored in. */
import type { Subscription } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';

/** Notifies a member of a membership that was written silently. */
export function announceMember(store: Store, membership: Subscription): Promise<void> {
	return store.subscriptions.announce('updated', membership);
}
