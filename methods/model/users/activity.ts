/** Activates and deactivates users. A deactivated user has no login tokens and cannot get new ones. */
import type { User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { changeUnlessLastAdmin } from './admins.js';
import { revokeTokensOf } from './revokeTokens.js';

/**
 * Activates or deactivates a user. Deactivation ends all logins in the same write.
 * @returns whether anything was written
 * @throws ClientError `error-action-not-allowed` for deactivating the last active admin
 */
export async function setActive(
	context: Pick<MethodContext, 'store' | 'events'>,
	user: Pick<User, '_id' | 'roles' | 'active'>,
	active: boolean,
): Promise<boolean> {
	const { store } = context;
	const wasActive = user.active !== false;
	if (wasActive === active) return false;
	const activate = () => store.users.updateOne({ _id: user._id }, { $set: { active: true } });
	if (active) {
		await activate();
		return true;
	}
	const deactivate = () => revokeTokensOf(context, user._id, { changes: { $set: { active: false } } });
	await changeUnlessLastAdmin(store, user, deactivate, activate);
	return true;
}
