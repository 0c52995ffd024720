/**
 * `getNewToken` (`test/contract/ddp.md` 16.1): clients call it, then `removeOtherTokens`, to log out everywhere else.
 */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { removeSurplusLogins } from '../model/users/revokeTokens.js';
import { findTokenHolder, issueToken, tokenResult } from '../model/users/tokens.js';

export const getNewToken = method({
	name: 'getNewToken',
	args: {},
	limit: OWN_ACCOUNT,
	summary: 'Gives the connection a new login token that expires when the present one does',
	returns: { id: String, token: String, tokenExpires: Date },
	errors: ['You are not logged in.', 403],
	// Anonymous, so that `run` can refuse callers without a login with Meteor's own error.
	anonymous: true,
	async run(_args, context) {
		const { userId, hashedToken } = context;
		if (userId === null) throw clientError('notLoggedIn');
		const holder = hashedToken === null ? 'unknown' : await findTokenHolder(context.store, hashedToken, userId);
		if (holder === 'unknown') throw clientError('loggedOut');
		if (holder === 'expired') throw clientError('sessionExpired');
		const { token: presentToken } = holder;
		// The new token expires with the present one. Otherwise a stolen token could be renewed for ever.
		const ifStillStored = { 'services.resume.loginTokens.hashedToken': presentToken.hashedToken };
		const issued = await issueToken(context.store, userId, ifStillStored, presentToken);
		if (!issued) throw clientError('loggedOut');
		const { token, entry, expires } = issued;
		context.setToken(entry.hashedToken, expires);
		await removeSurplusLogins(context, userId);
		return tokenResult(userId, token, expires);
	},
});
