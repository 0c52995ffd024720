/** Permissions that a user holds by a role in one room. */
import type { User } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { hasPermission } from '../permissions/permissions.js';
import { MEMBER } from './members.js';

/** Whether the user holds the permission by a global role, or by one they have in this room, such as `owner`. */
export async function hasRoomPermission(
	store: Store,
	user: Pick<User, '_id' | 'roles'>,
	permission: string,
	rid: string,
): Promise<boolean> {
	if (await hasPermission(store, user, permission)) return true;
	const own = { rid, 'u._id': user._id, ...MEMBER };
	const membership = await store.subscriptions.findOne(own, { projection: { roles: 1 } });
	return membership !== null && hasPermission(store, membership, permission);
}
