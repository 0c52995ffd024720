/** A member leaves a room, is removed, or their account is deleted. */
import type { Room } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { StaleReason } from '../keys/staleKey.js';
import { deleteRoom } from './deleteRoom.js';
import { endMembership } from './endMembership.js';
import { isLastMember } from './lastMember.js';

/** Ends a membership, and deletes the room with its last member. */
export async function removeMember(
	context: Pick<MethodContext, 'store' | 'events'>,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lastKeyHolder: boolean; isRoomGone: boolean }> {
	const isLast = () => isLastMember(context.store, room, userId);
	if (await isLast()) {
		// The deletion of the room removes their membership last, so that an interrupted call can be repeated.
		await deleteRoom(context, room, userId);
		return { lastKeyHolder: false, isRoomGone: true };
	}
	const { lastKeyHolder } = await endMembership(context, room, userId, reason);
	// Checked again, because the last two members may leave concurrently.
	const isRoomGone = await isLast();
	if (isRoomGone) await deleteRoom(context, room, userId);
	return { lastKeyHolder, isRoomGone };
}
