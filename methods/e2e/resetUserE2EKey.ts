/** `e2e.resetUserE2EKey` (`test/contract/rocketchat-e2e.md` section 4): an admin resets somebody's keys, as in early releases. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { mayUser } from '../model/permissions/permissions.js';
import { resetUser } from './resetUser.js';

export const resetUserE2EKey = method({
	name: 'e2e.resetUserE2EKey',
	args: { userId: String, confirm: Match.Maybe(Boolean) },
	limit: { calls: 600, per: 60_000 },
	changesUser: true,
	secondFactor: true,
	summary: "Takes away somebody's identity keys and ends all their logins; for admins",
	async run({ userId, confirm }, context) {
		const { name, store } = context;
		const may = await mayUser(store, context.userId, 'reset-other-user-e2e-key');
		if (!may) throw clientError('actionNotAllowed', { method: name });
		return (await resetUser(context, userId, confirm ?? undefined)) ?? true;
	},
});
