/** `users.resetE2EKey` (`test/contract/rocketchat-e2e.md` section 6): resets one's own identity keys, or somebody else's. */
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { resetUser } from '../e2e/resetUser.js';
import { hasPermission } from '../permissions.js';

const ROLES = { username: 1, roles: 1 } as const;

export const resetE2EKey = method({
	name: 'users.resetE2EKey',
	args: {
		userId: Match.Maybe(String),
		username: Match.Maybe(String),
		user: Match.Maybe(String),
		confirm: Match.Maybe(Boolean),
	},
	rest: 'POST',
	limit: { calls: 600, per: 60_000 },
	changesUser: true,
	secondFactor: true,
	summary:
		"Takes away the caller's identity keys, or those of the user that is named, and ends all logins of that user",
	async run({ userId, username = null, user = null, confirm }, context) {
		const { name, store } = context;
		const caller = await store.users.findOne({ _id: context.userId }, { projection: ROLES });
		if (!caller) throw clientError('invalidUser', { method: name });
		const named = filterFor(userId, username ?? user);
		const isSelf = !named || named._id === caller._id || (named.username ?? '') === caller.username;
		if (isSelf) return resetUser(context, caller._id, confirm ?? undefined);
		// Before anything is looked up, so that nobody learns who is here.
		if (!(await hasPermission(store, caller, 'edit-other-user-e2ee')))
			throw clientError('actionNotAllowed', { method: name });
		const other = await store.users.findOne(named as Filter<User>, { projection: { _id: 1 } });
		if (!other) throw clientError('invalidUserId', { method: name });
		return resetUser(context, other._id, confirm ?? undefined);
	},
});

/** Who is named; null where nobody is. */
function filterFor(userId?: string | null, username?: string | null): { _id?: string; username?: string } | null {
	if (userId != null) return { _id: userId };
	return username == null ? null : { username };
}
