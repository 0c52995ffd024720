/** One active admin always remains. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';

export const isActiveAdmin = ({ roles, active }: Pick<User, 'roles' | 'active'>): boolean =>
	active !== false && roles?.includes('admin') === true;

/** Whether there is an active admin other than `exceptUserId`. */
export async function hasActiveAdmin(store: Store, exceptUserId = ''): Promise<boolean> {
	const filter = { _id: { $ne: exceptUserId }, roles: 'admin', active: { $ne: false } };
	return exists(store.users, filter);
}

/**
 * Throws if `user` is the only active admin.
 * @param user as before the change
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireNotLastAdmin(store: Store, user: Pick<User, '_id' | 'roles' | 'active'>): Promise<void> {
	if (isActiveAdmin(user) && !(await hasActiveAdmin(store, user._id)))
		throw clientError('lastAdmin', { action: 'Remove_last_admin' });
}

/**
 * Applies a change after which this user is not an active admin, unless no other admin is left. Checks again after the
 * write, and undoes the change if needed, because the last two admins can be changed concurrently.
 * @param undo restores the former state
 * @throws ClientError `error-action-not-allowed`
 */
export async function changeUnlessLastAdmin(
	store: Store,
	userBefore: Pick<User, '_id' | 'roles' | 'active'>,
	change: () => Promise<unknown>,
	undo: () => Promise<unknown>,
): Promise<void> {
	await requireNotLastAdmin(store, userBefore);
	await change();
	try {
		await requireNotLastAdmin(store, userBefore);
	} catch (refused) {
		await undo();
		throw refused;
	}
}
