/** Which roles hold which permissions. A permission without a document has Rocket.Chat's default roles. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { cachedReads } from '../cachedReads.js';

/** Rocket.Chat's default roles by permission (`test/contract/rocketchat-e2e.md` 3.1 and 11). */
const DEFAULT_ROLES: Readonly<Record<string, readonly string[]>> = {
	'view-c-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'anonymous'],
	'view-p-room': ['admin', 'user', 'federated-external', 'anonymous', 'guest'],
	'view-d-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'guest'],
	'view-joined-room': ['guest', 'bot', 'app', 'anonymous'],
	'view-l-room': ['livechat-manager', 'livechat-monitor', 'livechat-agent', 'admin'],
	'view-livechat-rooms': ['livechat-manager', 'livechat-monitor', 'admin'],
	'view-room-administration': ['admin'],
	'create-c': ['admin', 'user', 'bot', 'app'],
	'create-p': ['admin', 'user', 'bot', 'app'],
	'create-d': ['admin', 'user', 'bot', 'app'],
	'edit-room': ['admin', 'owner', 'moderator'],
	'add-user-to-joined-room': ['admin', 'owner', 'moderator'],
	'add-user-to-any-c-room': ['admin'],
	'add-user-to-any-p-room': [],
	'join-without-join-code': ['admin', 'bot', 'app'],
	'remove-user': ['admin', 'owner', 'moderator'],
	'kick-user-from-any-c-room': ['admin'],
	'kick-user-from-any-p-room': [],
	'leave-c': ['admin', 'user', 'bot', 'anonymous', 'app'],
	'leave-p': ['admin', 'user', 'bot', 'anonymous', 'app'],
	'delete-c': ['owner', 'admin'],
	'delete-p': ['owner', 'admin'],
	'delete-d': ['owner', 'admin'],
	'toggle-room-e2e-encryption': ['owner', 'admin'],
	'edit-other-user-e2ee': ['admin'],
	'reset-other-user-e2e-key': ['admin'],
	'api-bypass-rate-limit': ['admin', 'bot', 'app'],
	'create-user': ['admin'],
	'delete-user': ['admin'],
	'edit-other-user-info': ['admin'],
	'edit-other-user-password': ['admin'],
	'edit-other-user-active-status': ['admin'],
	'view-full-other-user-info': ['admin'],
	'user-generate-access-token': ['admin'],
	'logout-other-user': ['admin'],
	'assign-admin-role': ['admin'],
	'view-privileged-setting': ['admin'],
	'edit-privileged-setting': ['admin'],
	'access-permissions': ['admin'],
};

/** Permissions that Roomkey checks, with their default roles. */
export const KNOWN_PERMISSIONS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(DEFAULT_ROLES));

const rolesByPermission = cachedReads(async (store, permission) => {
	const document = await store.permissions.findOne({ _id: permission });
	return document?.roles ?? DEFAULT_ROLES[permission] ?? [];
});

/** Must be called after a permission was written, so that the change takes effect immediately. */
export function dropCachedPermission(store: Store, permission: string): void {
	rolesByPermission.forget(store, permission);
}

/** Whether one of the roles of `user` holds the permission. */
export async function hasPermission(store: Store, user: Pick<User, 'roles'>, permission: string): Promise<boolean> {
	if (!user.roles?.length) return false;
	const rolesWithPermission = await rolesByPermission.get(store, permission);
	return user.roles.some((role) => rolesWithPermission.includes(role));
}

/** As `hasPermission`, for the user with this id. Null, for a caller who is not logged in, holds no permission. */
export async function hasPermissionById(store: Store, userId: string | null, permission: string): Promise<boolean> {
	const user = userId === null ? null : await store.users.findOne({ _id: userId }, { projection: { roles: 1 } });
	return user !== null && hasPermission(store, user, permission);
}

/** @throws ClientError `error-unauthorized`, which REST answers with the status 403 */
export async function requirePermission(
	{ store, userId }: Pick<MethodContext, 'store' | 'userId'>,
	permission: string,
): Promise<void> {
	if (!(await hasPermissionById(store, userId, permission))) throw clientError('permissionMissing');
}
