/** `removeOtherTokens` (`test/contract/ddp.md` 16.1): ends all other logins of the caller. */
import { clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { revokeTokensOf } from '../model/users/revokeTokens.js';

export const removeOtherTokens = method({
	name: 'removeOtherTokens',
	audit: true,
	args: {},
	limit: OWN_ACCOUNT,
	summary:
		'Removes all login tokens of the caller except the token of this connection, and closes the connections that use them',
	returns: Nothing,
	errors: ['You are not logged in.'],
	// Anonymous, so that `run` can refuse callers without a login with Meteor's own error.
	anonymous: true,
	async run(_args, context) {
		const { userId, hashedToken } = context;
		if (userId === null) throw clientError('notLoggedIn');
		await revokeTokensOf(context, userId, { kept: hashedToken });
	},
});

/** The variant for REST. Callers who are not logged in are refused before `run`. */
export const removeOtherTokensOverRest = method({
	name: 'users.removeOtherTokens',
	audit: true,
	args: {},
	rest: { verb: 'POST', path: 'users.removeOtherTokens', empty: true },
	limit: OWN_ACCOUNT,
	summary:
		'Removes all login tokens of the caller except the token of this call, and closes the connections that use them',
	returns: Nothing,
	errors: [],
	async run(_args, context) {
		await revokeTokensOf(context, context.userId, { kept: context.hashedToken });
	},
});
