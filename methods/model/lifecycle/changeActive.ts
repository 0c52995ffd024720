import type { User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { setActive } from '../users/activity.js';
import { notifyRoomsWithoutHolder } from './endMembership.js';
import { handOverRooms } from './handOverRooms.js';

/**
 * Activates or deactivates a user. Before a deactivation, other members become owners of the given rooms. Afterwards,
 * rooms that lost their last key holder are notified.
 * @param ridsToHandOver as returned by `requireHandOverConfirmation`; empty for an activation
 * @returns `lastKeyHolder` for the answer, if any room has lost its last key holder
 * @throws ClientError `error-action-not-allowed` for deactivating the last active admin
 */
export async function changeActive(
	context: Pick<MethodContext, 'store' | 'events'>,
	user: Pick<User, '_id' | 'roles' | 'active'>,
	active: boolean,
	ridsToHandOver: readonly string[],
): Promise<{ lastKeyHolder?: true }> {
	await handOverRooms(context.store, user._id, ridsToHandOver);
	const wasChanged = await setActive(context, user, active);
	if (active || !wasChanged) return {};
	return (await notifyRoomsWithoutHolder(context, user._id)) ? { lastKeyHolder: true } : {};
}
