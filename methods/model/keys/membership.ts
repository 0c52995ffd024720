/** The membership that a member's keys of a room are stored in. */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { MEMBER } from '../memberships/members.js';

/** The membership of a user in a room; null for a user who is no member. */
export function findMembership(store: Store, rid: string, userId: string): Promise<Subscription | null> {
	return store.subscriptions.findOne({ rid, 'u._id': userId, ...MEMBER });
}

/** Notifies a member of a membership that was written silently. */
export function announceMember({ store }: Pick<MethodContext, 'store'>, membership: Subscription): Promise<void> {
	return store.subscriptions.announce('updated', membership);
}
