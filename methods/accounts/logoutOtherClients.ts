/** `logoutOtherClients` (`test/contract/rocketchat-e2e.md` 9.3): a new token for this connection, and an end to all others. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { findTokenHolder, revokeOtherLogins, revokeOtherTokens, type TokenResult } from '../model/users/tokens.js';

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

/**
 * As Rocket.Chat's clients call it over REST: the caller keeps the present token, and personal access tokens stay. REST
 * adds the token to the answer, of which methods see the hash alone.
 */
export const logoutOtherClientsOverRest = method({
	name: 'users.logoutOtherClients',
	args: {},
	limit: OWN_ACCOUNT,
	summary: "Removes all login tokens of the caller but this call's and personal access tokens",
	async run(_args, context) {
		const { userId, hashedToken, name } = context;
		const holder = hashedToken === null ? 'unknown' : await findTokenHolder(context, hashedToken, userId);
		if (typeof holder === 'string') throw clientError('invalidUserId', { method: name });
		await revokeOtherLogins(context, userId, hashedToken as string);
		return { tokenExpires: holder.expires };
	},
});
