/** Permissions of a user in one room. */
import type { User } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { hasPermission } from '../permissions/permissions.js';
import { MEMBER } from './members.js';

/** Whether a global role, or a role in this room such as `owner`, gives the user the permission. */
export async function hasRoomPermission(
	store: Store,
	user: Pick<User, '_id' | 'roles'>,
	permission: string,
	rid: string,
): Promise<boolean> {
	if (await hasPermission(store, user, permission)) return true;
	const whereOwn = { rid, 'u._id': user._id, ...MEMBER };
	const membership = await store.subscriptions.findOne(whereOwn, { projection: { roles: 1 } });
	// `roles` of a membership are the user's roles in this room.
	return membership !== null && hasPermission(store, membership, permission);
}
