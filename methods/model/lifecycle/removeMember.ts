/** Removes a member from a room: they leave, another user removes them, or their account is deleted. */
import type { Room } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { StaleReason } from '../keys/staleKey.js';
import { deleteRoom } from './deleteRoom.js';
import { endMembership } from './endMembership.js';
import { isDeletedWithMember } from './lastMember.js';

/**
 * Ends a membership, and deletes the room if `isDeletedWithMember` says so.
 * @returns `lostLastHolder`: as `endMembership` returns it; `roomDeleted`: the room was deleted
 */
export async function removeMember(
	context: Pick<MethodContext, 'store' | 'events'>,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lostLastHolder: boolean; roomDeleted: boolean }> {
	const mustDelete = () => isDeletedWithMember(context.store, room, userId);
	if (await mustDelete()) {
		// `deleteRoom` also removes this membership.
		await deleteRoom(context, room, userId);
		return { lostLastHolder: false, roomDeleted: true };
	}
	const { lostLastHolder } = await endMembership(context, room, userId, reason);
	// Checked again, because the last two members may leave concurrently.
	const roomDeleted = await mustDelete();
	if (roomDeleted) await deleteRoom(context, room, userId);
	return { lostLastHolder, roomDeleted };
}
