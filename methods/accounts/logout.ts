/** `logout` (`test/contract/ddp.md` 16.1, 16.2): ends this login, and with it every session that uses the same token. */
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { revokeToken } from '../model/users/revokeTokens.js';

export const logout = method({
	name: 'logout',
	audit: true,
	args: {},
	summary: 'Logs out and removes the login token',
	returns: Nothing,
	errors: [],
	// A caller who is not logged in gets no error: Meteor's clients may call this method twice.
	anonymous: true,
	changesUser: true,
	async run(_args, context) {
		const { userId, hashedToken } = context;
		// `revokeToken` removes the token, logs this session out, and then ends the other sessions of the token. If the
		// removal fails, the caller is still logged in.
		const logOutSession = () => context.setUserId(null);
		if (userId !== null && hashedToken !== null) await revokeToken(context, userId, hashedToken, logOutSession);
		else await logOutSession();
	},
});
