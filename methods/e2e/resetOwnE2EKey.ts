/** `e2e.resetOwnE2EKey` (`test/contract/rocketchat-e2e.md` 4.7): removes the caller's own identity keys. */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_CALLS, LONG_WORK_MS } from '../limits.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { resetIdentity } from '../model/lifecycle/resetIdentity.js';

export const resetOwnE2EKey = method({
	name: 'e2e.resetOwnE2EKey',
	audit: true,
	args: {
		/** True: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11). */
		confirm: Match.Maybe(Boolean),
	},
	limit: KEY_CALLS,
	timeout: LONG_WORK_MS,
	changesUser: true,
	secondFactor: true,
	summary: "Removes the caller's identity keys and ends all their logins",
	returns: Match.OneOf(true, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-not-allowed', 'error-last-key-holder'],
	async run({ confirm }, context) {
		const result = await resetIdentity(context, context.userId, confirm ?? undefined);
		return result ?? true;
	},
});
