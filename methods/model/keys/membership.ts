/** The membership that a member's keys of a room are stored in. */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';

/** Notifies a member that their membership has changed. */
export function notifyMember({ events }: Pick<MethodContext, 'events'>, membership: Subscription): void {
	events.emit('changed', { collection: 'subscriptions', action: 'updated', document: membership });
}
