/** `removeOtherTokens` (`test/contract/ddp.md` 16.1): ends every login of the user but this one. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { revokeOtherTokens } from './tokens.js';

export const removeOtherTokens = method({
	name: 'removeOtherTokens',
	args: {},
	summary: "Removes all login tokens of the caller but this one's, and closes the connections that use them",
	// Callers who are not logged in have an error of their own here.
	anonymous: true,
	async run(_args, context) {
		const { userId, hashedToken } = context;
		if (userId === null) throw clientError('notLoggedIn');
		await revokeOtherTokens(context, userId, hashedToken);
	},
});
