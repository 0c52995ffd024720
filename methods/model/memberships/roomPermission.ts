/** Permissions in one room: a user may hold them by a role that they have only in this room. */
import type { User } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { hasPermission } from '../permissions/permissions.js';
import { MEMBER } from './members.js';

/** Whether the user holds the permission in this room: by a global role, or by a role in the room, such as `owner`. */
export async function hasRoomPermission(
	store: Store,
	user: Pick<User, '_id' | 'roles'>,
	permission: string,
	rid: string,
): Promise<boolean> {
	if (await hasPermission(store, user, permission)) return true;
	const whereOwn = { rid, 'u._id': user._id, ...MEMBER };
	const membership = await store.subscriptions.findOne(whereOwn, { projection: { roles: 1 } });
	// `roles` of a membership are the roles that the user has in this room.
	return membership !== null && hasPermission(store, membership, permission);
}
