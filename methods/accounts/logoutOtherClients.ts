/** `logoutOtherClients` (`test/contract/rocketchat-e2e.md` 9.3): a new token for this connection, and an end to all others. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { revokeOtherTokens, type TokenResult } from './tokens.js';

export const logoutOtherClients = method({
	name: 'logoutOtherClients',
	args: {},
	limit: OWN_ACCOUNT,
	summary:
		'Gives the connection a new login token, removes all others of the caller and closes the connections that use them',
	// Callers who are not logged in have an error of their own here.
	anonymous: true,
	async run(_args, context) {
		const { userId } = context;
		if (userId === null) throw clientError('notLoggedIn');
		const { token, tokenExpires } = (await context.call('getNewToken')) as TokenResult;
		// The connection has the new one by now.
		await revokeOtherTokens(context, userId, context.hashedToken);
		return { token, tokenExpires };
	},
});
