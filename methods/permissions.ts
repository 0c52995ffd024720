/** Who may do what: Rocket.Chat's permission documents, or its defaults where there is none. */
import type { User } from '../shared/documents.js';
import type { Store } from '../shared/store.js';
import { memoryOf } from './remember.js';

/** Roles that hold a permission as long as no document says otherwise (`contract/rocketchat-e2e.md` 3.1 and 11). */
const DEFAULT_ROLES: Readonly<Record<string, readonly string[]>> = {
	'view-c-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'anonymous'],
	'view-p-room': ['admin', 'user', 'federated-external', 'anonymous', 'guest'],
	'view-d-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'guest'],
	'view-joined-room': ['guest', 'bot', 'app', 'anonymous'],
	'view-l-room': ['livechat-manager', 'livechat-monitor', 'livechat-agent', 'admin'],
	'view-livechat-rooms': ['livechat-manager', 'livechat-monitor', 'admin'],
	'toggle-room-e2e-encryption': ['owner', 'admin'],
	'edit-other-user-e2ee': ['admin'],
	'api-bypass-rate-limit': ['admin', 'bot', 'app'],
};

const roles = memoryOf(async (store, permission) => {
	const document = await store.permissions.findOne({ _id: permission });
	return document?.roles ?? DEFAULT_ROLES[permission] ?? [];
});

/** Whether one of the user's global roles holds the permission. */
export async function hasPermission(store: Store, user: Pick<User, 'roles'>, permission: string): Promise<boolean> {
	if (!user.roles?.length) return false;
	const holders = await roles.get(store, permission);
	return user.roles.some((role) => holders.includes(role));
}

/** Whether the user holds the permission by a global role, or by one they have in this room, such as `owner`. */
export async function hasRoomPermission(
	store: Store,
	user: Pick<User, '_id' | 'roles'>,
	permission: string,
	rid: string,
): Promise<boolean> {
	if (await hasPermission(store, user, permission)) return true;
	const place = await store.subscriptions.findOne({ rid, 'u._id': user._id }, { projection: { roles: 1 } });
	return place !== null && hasPermission(store, place, permission);
}
