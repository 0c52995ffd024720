/** The permission to switch the encryption of a room on or off, or to reset its key. */
import type { Room, User } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { isMember } from '../memberships/members.js';
import { hasRoomPermission } from '../memberships/roomPermission.js';

/**
 * Whether the user holds `toggle-room-e2e-encryption` in the room. In a direct room, which has no owner, every member
 * may (`test/contract/beyond.md` E3).
 */
export async function mayToggleEncryption(
	store: Store,
	user: Pick<User, '_id' | 'roles'>,
	room: Pick<Room, '_id' | 't'>,
): Promise<boolean> {
	if (await hasRoomPermission(store, user, 'toggle-room-e2e-encryption', room._id)) return true;
	return room.t === 'd' && isMember(store, room._id, user._id);
}
