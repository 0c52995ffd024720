/** `users.resetE2EKey` (`test/contract/rocketchat-e2e.md` section 6): resets the identity keys of the caller or of another user. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { resetIdentity } from '../model/lifecycle/resetIdentity.js';
import { hasPermission } from '../model/permissions/permissions.js';
import { findByName } from '../model/users/findUser.js';

const CALLER_FIELDS = { username: 1, roles: 1 } as const;

export const resetE2EKey = method({
	name: 'users.resetE2EKey',
	audit: true,
	args: {
		userId: Match.Maybe(String),
		username: Match.Maybe(String),
		user: Match.Maybe(String),
		/** True: rooms may lose their last key holder (`test/contract/beyond.md` E11). */
		confirm: Match.Maybe(Boolean),
	},
	...KEY_WRITE_DEFAULTS,
	changesUser: true,
	secondFactor: true,
	summary: 'Removes the identity keys of the caller or of the given user, and ends all logins of that user',
	returns: Match.OneOf(undefined, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-not-allowed', 'error-last-key-holder', 'error-invalid-user-id'],
	async run({ userId, username, user, confirm }, context) {
		const { store } = context;
		const caller = await store.users.findOne({ _id: context.userId }, { projection: CALLER_FIELDS });
		if (!caller) throw clientError('invalidUser');
		const reset = (_id: string) => resetIdentity(context, _id, confirm ?? undefined);
		// The id takes precedence over the name. Without both, the call is about the caller.
		const hasId = userId !== undefined && userId !== null;
		const sentName = username ?? user ?? undefined;
		const name = hasId ? undefined : sentName;
		const isOwnId = userId === caller._id;
		const isOwnNameOrNone = !hasId && (name === undefined || name === caller.username);
		if (isOwnId || isOwnNameOrNone) return reset(caller._id);
		const isOwnNameInOtherCase = name !== undefined && name.toLowerCase() === caller.username?.toLowerCase();
		const mayResetOthers = await hasPermission(store, caller, 'edit-other-user-e2ee');
		// Callers without the permission do not learn which users exist.
		if (!mayResetOthers && !isOwnNameInOtherCase) throw clientError('errorNotAllowed');
		const found =
			name === undefined
				? await store.users.findOne({ _id: userId as string }, { projection: { _id: 1 } })
				: await findByName(store, 'username', name, { _id: 1 });
		if (!mayResetOthers && found?._id !== caller._id) throw clientError('errorNotAllowed');
		if (!found) throw clientError('invalidUserId');
		return reset(found._id);
	},
});
