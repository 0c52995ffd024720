/** Rules for roles: which a user may have, and that one active admin always remains. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { doRolesExist, isRoleId } from '../permissions/roles.js';

/** Whether a user is an active admin. */
export const isActiveAdmin = ({ roles, active }: Pick<User, 'roles' | 'active'>): boolean =>
	active !== false && roles?.includes('admin') === true;

/** Whether there is an active admin. @param exceptUserId this user does not count; an empty id excludes nobody */
export async function hasActiveAdmin(store: Store, exceptUserId = ''): Promise<boolean> {
	const filter = { _id: { $ne: exceptUserId }, roles: 'admin', active: { $ne: false } };
	return exists(store.users, filter);
}

/**
 * Refuses a change after which this user is not an active admin, if the user is the only active admin now.
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireOtherAdmin(store: Store, user: Pick<User, '_id' | 'roles' | 'active'>): Promise<void> {
	if (isActiveAdmin(user) && !(await hasActiveAdmin(store, user._id)))
		throw clientError('lastAdmin', { action: 'Remove_last_admin' });
}

/**
 * Applies a change after which this user is not an active admin. Refuses the change for the last active admin. Checks
 * again after the write and undoes the change if no other admin is left, because the last two admins could be changed
 * concurrently.
 * @param change applies the change
 * @param undo restores the former state
 * @throws ClientError `error-action-not-allowed`
 */
export async function changeUnlessLastAdmin(
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

/** Maximum number of roles of one user. */
const MAX_ROLES = 50;

/**
 * Refuses roles that do not exist or that a user cannot have globally, and an empty or too long list.
 * @param present the roles that the user has already. They may be kept even if they do not exist any more
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireAssignableRoles(
	store: Store,
	roles: readonly string[],
	present: readonly string[] = [],
): Promise<void> {
	const invalidRole = () => clientError('invalidRole', { action: 'Assign_role' });
	const hasInvalidRole = roles.some((role) => ROOM_ROLES.has(role) || !isRoleId(role));
	if (hasInvalidRole || roles.length === 0 || roles.length > MAX_ROLES) throw invalidRole();
	const added = roles.filter((role) => !present.includes(role));
	if (!(await doRolesExist(store, added))) throw invalidRole();
}
