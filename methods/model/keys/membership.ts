/** The membership that a member's keys of a room are stored in. */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';

/** Notifies a member of a membership that was written silently. */
export function announceMember({ store }: Pick<MethodContext, 'store'>, membership: Subscription): Promise<void> {
	return store.subscriptions.announce('updated', membership);
}
