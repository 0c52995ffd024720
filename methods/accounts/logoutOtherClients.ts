/**
 * `logoutOtherClients` (`test/contract/rocketchat-e2e.md` 9.3): gives this connection a new token and ends all other
 * logins.
 */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { revokeOtherLogins, revokeTokensOf } from '../model/users/revokeTokens.js';
import { findTokenHolder, type TokenResult } from '../model/users/tokens.js';

export const logoutOtherClients = method({
	name: 'logoutOtherClients',
	audit: true,
	args: {},
	limit: OWN_ACCOUNT,
	summary:
		'Gives the connection a new login token, removes all others of the caller and closes the connections that use them',
	returns: { token: String, tokenExpires: Date },
	// 403 comes from `getNewToken`.
	errors: ['You are not logged in.', 403],
	// Anonymous, so that `run` can refuse callers without a login with Meteor's own error.
	anonymous: true,
	async run(_args, context) {
		const { userId } = context;
		if (userId === null) throw clientError('notLoggedIn');
		const { token, tokenExpires } = (await context.call('getNewToken')) as TokenResult;
		// `getNewToken` has changed `context.hashedToken` to the hash of the new token.
		await revokeTokensOf(context, userId, { kept: context.hashedToken });
		return { token, tokenExpires };
	},
});

/**
 * The variant for REST: the caller keeps the present token, and personal access tokens stay. The REST layer adds the
 * token to the answer, because methods see only its hash.
 */
export const logoutOtherClientsOverRest = method({
	name: 'users.logoutOtherClients',
	audit: true,
	args: {},
	limit: OWN_ACCOUNT,
	summary: 'Removes all login tokens of the caller except the token of this call and personal access tokens',
	returns: { tokenExpires: Match.Optional(Date) },
	errors: ['error-invalid-user-id'],
	async run(_args, context) {
		const { userId, hashedToken } = context;
		if (hashedToken === null) throw clientError('invalidUserId');
		const holder = await findTokenHolder(context.store, hashedToken, userId);
		if (holder === 'expired' || holder === 'unknown') throw clientError('invalidUserId');
		await revokeOtherLogins(context, userId, hashedToken);
		return { tokenExpires: holder.expires };
	},
});
