/** A room is deleted with its last member: no user could see it any more, and its name would stay taken. */
import type { Room, RoomType } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';

/** Room types that are deleted without members. Other rooms, such as livechats, are kept for their agents. */
const DELETED_WITH_LAST_MEMBER: readonly RoomType[] = ['c', 'p', 'd'];

/** Fields of a room that decide whether it is deleted with its last member. */
export const DELETION_FIELDS = { t: 1, teamMain: 1, default: 1 } as const;

/**
 * Whether a room is deleted when this user leaves it, because nobody else has a membership. The room of a team stays as
 * long as the team, and a default channel stays for new users.
 */
export async function isLastMember(
	store: Store,
	room: Pick<Room, '_id' | keyof typeof DELETION_FIELDS>,
	userId: string,
): Promise<boolean> {
	const { _id: rid, t, teamMain, default: isDefault } = room;
	if (!DELETED_WITH_LAST_MEMBER.includes(t) || teamMain || isDefault) return false;
	const others = { rid, 'u._id': { $ne: userId } };
	return !(await exists(store.subscriptions, others));
}
