/** Who may do what: Rocket.Chat's permission documents, or its defaults where there is none. */
import type { User } from '../shared/documents.js';
import type { Store } from '../shared/store.js';

/** Roles that hold a permission as long as no document says otherwise (`contract/rocketchat-e2e.md` 3.1). */
const DEFAULT_ROLES: Readonly<Record<string, readonly string[]>> = {
	'view-c-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'anonymous'],
	'view-p-room': ['admin', 'user', 'federated-external', 'anonymous', 'guest'],
	'view-d-room': ['admin', 'user', 'federated-external', 'bot', 'app', 'guest'],
	'view-joined-room': ['guest', 'bot', 'app', 'anonymous'],
	'view-l-room': ['livechat-manager', 'livechat-monitor', 'livechat-agent', 'admin'],
	'view-livechat-rooms': ['livechat-manager', 'livechat-monitor', 'admin'],
};

/** How long a permission is remembered, in ms; as long as in Rocket.Chat, so a change is in force a second later. */
const REMEMBERED_FOR = 1000;

interface Remembered {
	readonly roles: Promise<readonly string[]>;
	readonly until: number;
}

const remembered = new WeakMap<Store, Map<string, Remembered>>();

function rolesWith(permission: string, store: Store): Promise<readonly string[]> {
	let permissions = remembered.get(store);
	if (!permissions) {
		permissions = new Map();
		remembered.set(store, permissions);
	}
	const now = Date.now();
	const known = permissions.get(permission);
	if (known && now < known.until) return known.roles;
	const roles = store.permissions
		.findOne({ _id: permission })
		.then((document) => document?.roles ?? DEFAULT_ROLES[permission] ?? []);
	permissions.set(permission, { roles, until: now + REMEMBERED_FOR });
	// A look-up that failed is not an answer: the next caller asks again.
	roles.catch(() => permissions.delete(permission));
	return roles;
}

/** Whether one of the user's global roles holds the permission. */
export async function hasPermission(store: Store, user: Pick<User, 'roles'>, permission: string): Promise<boolean> {
	if (!user.roles?.length) return false;
	const roles = await rolesWith(permission, store);
	return user.roles.some((role) => roles.includes(role));
}
