/** The last one who goes takes the room along: nobody could see it any more, and its name would stay taken for ever. */
import type { Room, RoomType } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import type { StaleReason } from '../model/keys/stale.js';
import { removeMember } from './leave.js';
import { removeRoom } from './remove.js';

/** Types of rooms that belong to their members. Others, such as livechats, are kept for whoever serves them. */
const OF_MEMBERS: readonly RoomType[] = ['c', 'p', 'd'];

/** What must be known of a room to tell whether it would go. */
export const LASTING = { t: 1, teamMain: 1, default: 1 } as const;

/** Whether a room would go with this user: nobody else has a place in it. That of a team stays as long
 * as the team, and one that new users join for them. */
export async function goesWith(
	store: Store,
	room: Pick<Room, '_id' | keyof typeof LASTING>,
	userId: string,
): Promise<boolean> {
	const { _id: rid, t, teamMain, default: isForAll } = room;
	if (!OF_MEMBERS.includes(t) || teamMain || isForAll) return false;
	const others = { rid, 'u._id': { $ne: userId } };
	return (await store.subscriptions.findOne(others, { projection: { _id: 1 } })) === null;
}

/** Takes a member out of a room as `removeMember` does, and with the last one the room. */
export async function takeOut(
	context: Pick<MethodContext, 'store' | 'events' | 'settings' | 'name'>,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lastKeyHolder: boolean; isRoomGone: boolean }> {
	const isLast = () => goesWith(context.store, room, userId);
	if (await isLast()) {
		// With the room their place goes last: a call that is broken off can be repeated.
		await removeRoom(context, room, userId);
		return { lastKeyHolder: false, isRoomGone: true };
	}
	const { lastKeyHolder } = await removeMember(context, room, userId, reason);
	// Asked again, as the last two may go at once.
	const isRoomGone = await isLast();
	if (isRoomGone) await removeRoom(context, room, userId);
	return { lastKeyHolder, isRoomGone };
}
