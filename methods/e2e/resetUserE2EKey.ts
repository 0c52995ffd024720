/**
 * `e2e.resetUserE2EKey` (`test/contract/rocketchat-e2e.md` section 4): an admin resets a user's identity keys, as in
 * early releases of Rocket.Chat.
 */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_CALLS, LONG_WORK_MS } from '../limits.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { resetIdentity } from '../model/lifecycle/resetIdentity.js';
import { hasPermissionById } from '../model/permissions/permissions.js';

export const resetUserE2EKey = method({
	name: 'e2e.resetUserE2EKey',
	audit: true,
	args: {
		userId: String,
		/** True: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11). */
		confirm: Match.Maybe(Boolean),
	},
	limit: KEY_CALLS,
	timeout: LONG_WORK_MS,
	// A caller may name themselves. The reset then ends the login of this connection.
	changesUser: true,
	secondFactor: true,
	summary: "Removes a user's identity keys and ends all their logins; requires reset-other-user-e2e-key",
	returns: Match.OneOf(true, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-not-allowed', 'error-last-key-holder'],
	async run({ userId, confirm }, context) {
		const { store } = context;
		const mayReset = await hasPermissionById(store, context.userId, 'reset-other-user-e2e-key');
		if (!mayReset) throw clientError('errorNotAllowed');
		const result = await resetIdentity(context, userId, confirm ?? undefined);
		return result ?? true;
	},
});
