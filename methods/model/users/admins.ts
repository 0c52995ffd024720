/** There is always an admin: some calls are reserved for admins. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';

export const isAdmin = ({ roles, active }: Pick<User, 'roles' | 'active'>): boolean =>
	active !== false && roles?.includes('admin') === true;

/** Whether there is an admin, other than this user. */
export async function hasAdmin(store: Store, otherThan = ''): Promise<boolean> {
	const filter = { _id: { $ne: otherThan }, roles: 'admin', active: { $ne: false } };
	return (await store.users.findOne(filter, { projection: { _id: 1 } })) !== null;
}

/**
 * Refuses a change by which this user is no admin any more, if no other admin is left.
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireOtherAdmin(
	store: Store,
	user: Pick<User, '_id' | 'roles' | 'active'>,
	method: string,
): Promise<void> {
	if (isAdmin(user) && !(await hasAdmin(store, user._id)))
		throw clientError('lastAdmin', { method, action: 'Remove_last_admin' });
}

/**
 * Makes a change by which this user is no admin any more, if they are one now and not the last. It looks again after the
 * write: of two admins who end each other at once, neither does.
 * @param change writes it
 * @param undo restores the former state
 * @throws ClientError `error-action-not-allowed`
 */
export async function unlessLastAdmin(
	store: Store,
	user: Pick<User, '_id' | 'roles' | 'active'>,
	method: string,
	change: () => Promise<unknown>,
	undo: () => Promise<unknown>,
): Promise<void> {
	await requireOtherAdmin(store, user, method);
	await change();
	try {
		await requireOtherAdmin(store, user, method);
	} catch (refused) {
		await undo();
		throw refused;
	}
}

/** Roles that are held in one room only: a user who had one globally would be owner of every room. */
const ROOM_ROLES = new Set(['owner', 'moderator', 'leader']);

/**
 * Refuses roles that a user cannot have globally.
 * @throws ClientError `error-action-not-allowed`
 */
export function requireRoles(roles: readonly string[], method: string): void {
	const wrong = roles.some((role) => ROOM_ROLES.has(role) || !/^[\w.-]{1,100}$/.test(role));
	if (wrong || roles.length === 0 || roles.length > 50)
		throw clientError('invalidRole', { method, action: 'Assign_role' });
}
