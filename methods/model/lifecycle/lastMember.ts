/**
 * The rule that a room is deleted when its last member leaves. Nobody could see the room, but its name would stay
 * taken.
 */
import type { Room, RoomType } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';

/** Types of rooms that are deleted with the last member. Other rooms, such as livechats, are kept for their agents. */
const DELETED_WITH_LAST_MEMBER: readonly RoomType[] = ['c', 'p', 'd'];

/** Projection of the fields that `isDeletedWithMember` needs. */
export const DELETION_FIELDS = { t: 1, teamMain: 1, default: 1 } as const;

/**
 * Whether a room must be deleted when this user leaves: it has one of the types above, and nobody else has a membership
 * or an invitation. The main room of a team stays as long as the team. A default channel stays for new users.
 */
export async function isDeletedWithMember(
	store: Store,
	room: Pick<Room, '_id' | keyof typeof DELETION_FIELDS>,
	userId: string,
): Promise<boolean> {
	const { _id: rid, t, teamMain, default: isDefault } = room;
	if (!DELETED_WITH_LAST_MEMBER.includes(t) || teamMain || isDefault) return false;
	const others = { rid, 'u._id': { $ne: userId } };
	return !(await exists(store.subscriptions, others));
}
