/** `changePassword` (`test/contract/ddp.md` 16.1): replaces the caller's password and ends all their other logins. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { hashPassword, isRightPassword, NewPassword, Password } from '../model/users/passwords.js';
import { revokeTokensOf } from '../model/users/revokeTokens.js';
import { requireFactorBesidePassword } from '../model/users/secondFactor.js';

export const changePassword = method({
	name: 'changePassword',
	audit: true,
	args: { oldPassword: Password, newPassword: NewPassword },
	limit: OWN_ACCOUNT,
	summary: "Changes the caller's password and removes all their other login tokens",
	returns: { passwordChanged: Boolean },
	errors: [403, 401],
	// Anonymous, so that `run` can refuse callers without a login with Meteor's own error.
	anonymous: true,
	secondFactor: true,
	async run({ oldPassword, newPassword }, context) {
		const { userId, hashedToken, store } = context;
		if (userId === null) throw clientError('mustBeLoggedIn');
		const user = await store.users.findOne({ _id: userId }, { projection: { 'services.password.bcrypt': 1 } });
		const bcrypt = user?.services?.password?.bcrypt;
		// Limits how often somebody with a stolen token can guess the password.
		await context.attempt(userId, async () => {
			if (!(await isRightPassword(oldPassword, bcrypt))) throw clientError('loginFailed');
		});
		await requireFactorBesidePassword(context, userId);
		// Replaces the whole field. This also removes a token with which somebody could reset the password.
		const password = { bcrypt: await hashPassword(newPassword) };
		const passwordUnchanged = { 'services.password.bcrypt': bcrypt };
		const changes = { $set: { 'services.password': password } };
		const changed = await revokeTokensOf(context, userId, { kept: hashedToken, condition: passwordUnchanged, changes });
		if (!changed) throw clientError('loginFailed');
		return { passwordChanged: true };
	},
});
