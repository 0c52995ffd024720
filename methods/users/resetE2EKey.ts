/** `users.resetE2EKey` (`test/contract/rocketchat-e2e.md` section 6): resets the identity keys of the caller or of another user. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_SERVICE_WRITE } from '../kinds.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { resetIdentity } from '../model/lifecycle/resetIdentity.js';
import { hasPermission } from '../model/permissions/permissions.js';
import { findByName } from '../model/users/findUser.js';

const ROLES = { username: 1, roles: 1 } as const;

export const resetE2EKey = method({
	name: 'users.resetE2EKey',
	audit: true,
	args: {
		userId: Match.Maybe(String),
		username: Match.Maybe(String),
		user: Match.Maybe(String),
		confirm: Match.Maybe(Boolean),
	},
	...KEY_SERVICE_WRITE,
	changesUser: true,
	secondFactor: true,
	summary: 'Removes the identity keys of the caller or of the given user, and ends all logins of that user',
	returns: Match.OneOf(undefined, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-not-allowed', 'error-last-key-holder', 'error-invalid-user-id'],
	async run({ userId, username, user, confirm }, context) {
		const { store } = context;
		const caller = await store.users.findOne({ _id: context.userId }, { projection: ROLES });
		if (!caller) throw clientError('invalidUser');
		const typed = userId == null ? (username ?? user ?? undefined) : undefined;
		const reset = (_id: string) => resetIdentity(context, _id, confirm ?? undefined);
		if ((userId ?? caller._id) === caller._id && (typed ?? caller.username) === caller.username)
			return reset(caller._id);
		const isOwnName = typed !== undefined && typed.toLowerCase() === caller.username?.toLowerCase();
		const mayReset = await hasPermission(store, caller, 'edit-other-user-e2ee');
		// Callers without the permission do not learn which users exist.
		if (!mayReset && !isOwnName) throw clientError('actionNotAllowed');
		const found =
			typed === undefined
				? await store.users.findOne({ _id: userId as string }, { projection: { _id: 1 } })
				: await findByName(store, 'username', typed, { _id: 1 });
		if (!mayReset && found?._id !== caller._id) throw clientError('actionNotAllowed');
		if (!found) throw clientError('invalidUserId');
		return reset(found._id);
	},
});
