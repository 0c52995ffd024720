/** Ensures that there is always an admin. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { doRolesExist } from '../permissions/roles.js';

export const isAdmin = ({ roles, active }: Pick<User, 'roles' | 'active'>): boolean =>
	active !== false && roles?.includes('admin') === true;

/** Whether there is an admin, other than this user. */
export async function hasAdmin(store: Store, otherThan = ''): Promise<boolean> {
	const filter = { _id: { $ne: otherThan }, roles: 'admin', active: { $ne: false } };
	return exists(store.users, filter);
}

/**
 * Refuses a change that removes this user as admin, if there is no other admin.
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireOtherAdmin(store: Store, user: Pick<User, '_id' | 'roles' | 'active'>): Promise<void> {
	if (isAdmin(user) && !(await hasAdmin(store, user._id)))
		throw clientError('lastAdmin', { action: 'Remove_last_admin' });
}

/**
 * Applies a change that removes this user as admin, unless they are the last admin. Checks again after the write, and
 * undoes it if no other admin is left, because two admins could be removed concurrently.
 * @param change applies the change
 * @param undo restores the former state
 * @throws ClientError `error-action-not-allowed`
 */
export async function unlessLastAdmin(
	store: Store,
	user: Pick<User, '_id' | 'roles' | 'active'>,
	change: () => Promise<unknown>,
	undo: () => Promise<unknown>,
): Promise<void> {
	await requireOtherAdmin(store, user);
	await change();
	try {
		await requireOtherAdmin(store, user);
	} catch (refused) {
		await undo();
		throw refused;
	}
}

/** Roles that apply to one room only: a user with such a global role would be owner of every room. */
const ROOM_ROLES = new Set(['owner', 'moderator', 'leader']);

/**
 * Refuses roles that do not exist or that a user cannot have globally.
 * @param present the user's roles, which may stay
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireRoles(
	store: Store,
	roles: readonly string[],
	present: readonly string[] = [],
): Promise<void> {
	const refuse = () => clientError('invalidRole', { action: 'Assign_role' });
	const wrong = roles.some((role) => ROOM_ROLES.has(role) || !/^[\w.-]{1,100}$/.test(role));
	if (wrong || roles.length === 0 || roles.length > 50) throw refuse();
	const added = roles.filter((role) => !present.includes(role));
	if (!(await doRolesExist(store, added))) throw refuse();
}
