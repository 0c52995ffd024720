/** `changePassword` (`test/contract/ddp.md` 16.1): who knows the old one sets a new one, and is logged out everywhere else. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { OWN_ACCOUNT } from '../limits.js';
import { hashPassword, isPassword, NewPassword, Password } from './passwords.js';
import { requireFactorBesidePassword } from './secondFactor.js';
import { revokeOtherTokens } from './tokens.js';

export const changePassword = method({
	name: 'changePassword',
	args: { oldPassword: Password, newPassword: NewPassword },
	limit: OWN_ACCOUNT,
	summary: "Changes the caller's password and removes all their other login tokens",
	// Callers who are not logged in have an error of their own here.
	anonymous: true,
	secondFactor: true,
	async run({ oldPassword, newPassword }, context) {
		const { userId, hashedToken, store } = context;
		if (userId === null) throw clientError('mustBeLoggedIn');
		const user = await store.users.findOne({ _id: userId }, { projection: { 'services.password.bcrypt': 1 } });
		const bcrypt = user?.services?.password?.bcrypt;
		// Whoever has come by a token must not be able to guess at the password for ever.
		await context.attempt(userId, async () => {
			if (!(await isPassword(oldPassword, bcrypt))) throw clientError('loginFailed');
		});
		await requireFactorBesidePassword(context, userId);
		// The whole of it: whatever else could set a password, such as a reset token, goes with the old one.
		const password = { bcrypt: await hashPassword(newPassword) };
		const provided = { 'services.password.bcrypt': bcrypt };
		const changes = { $set: { 'services.password': password } };
		// Of two changes at once one finds the old password gone.
		if (!(await revokeOtherTokens(context, userId, hashedToken, provided, changes))) throw clientError('loginFailed');
		return { passwordChanged: true };
	},
});
