/** `users.updateOwnBasicInfo`: changes the caller's own account. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { LONG_WORK_MS, OWN_ACCOUNT } from '../limits.js';
import { UserAnswer } from '../model/answers.js';
import { findClientUser } from '../model/users/clientUser.js';
import { RealName, saveUsernameAndEmail } from '../model/users/names.js';
import { hashPassword, isPasswordDigest, isRightPassword, NewPassword, Password } from '../model/users/passwords.js';
import { givenFields, PROFILE_ERRORS, profileUpdate, requireProfileTexts } from '../model/users/profileTexts.js';
import { propagateNames } from '../model/users/propagateNames.js';
import { revokeTokensOf } from '../model/users/revokeTokens.js';
import { requireFactorBesidePassword } from '../model/users/secondFactor.js';

const Changes = {
	/** A text is the password or its hex SHA-256, which Rocket.Chat's clients send. */
	currentPassword: Match.Optional(Password),
	newPassword: Match.Optional(NewPassword),
	name: Match.Optional(RealName),
	username: Match.Optional(String),
	email: Match.Optional(String),
	bio: Match.Optional(String),
	nickname: Match.Optional(String),
};

async function isCurrentPassword(password: Password, bcrypt: string | undefined): Promise<boolean> {
	if (typeof password === 'string' && (await isPasswordDigest(password, bcrypt))) return true;
	return isRightPassword(password, bcrypt);
}

export const updateOwnBasicInfo = method({
	name: 'users.updateOwnBasicInfo',
	audit: true,
	args: { data: Changes },
	rest: 'POST',
	once: true,
	secondFactor: true,
	limit: OWN_ACCOUNT,
	timeout: LONG_WORK_MS,
	summary: "Changes the caller's name, user name, bio, nickname, e-mail or password; the last two need currentPassword",
	returns: { user: UserAnswer },
	errors: ['error-invalid-password', 'error-could-not-save-identity', ...PROFILE_ERRORS],
	async run({ data }, context) {
		const { store, userId, hashedToken } = context;
		context.audit({ fields: givenFields(data) });
		const user = await store.users.findOne(
			{ _id: userId },
			{ projection: { username: 1, name: 1, emails: 1, bio: 1, nickname: 1, 'services.password.bcrypt': 1 } },
		);
		if (!user) throw clientError('invalidUser');
		requireProfileTexts(data);
		const bcrypt = user.services?.password?.bcrypt;
		if (data.email !== undefined || data.newPassword !== undefined) {
			const { currentPassword } = data;
			if (currentPassword === undefined) throw clientError('invalidPassword');
			await context.attempt(userId, async () => {
				if (!(await isCurrentPassword(currentPassword, bcrypt))) throw clientError('invalidPassword');
			});
			await requireFactorBesidePassword(context, userId);
		}
		await saveUsernameAndEmail(store, user, { username: data.username, email: data.email });
		const changesDisplayName = data.name !== undefined && data.name !== user.name;
		const update = profileUpdate(user, data, changesDisplayName ? { name: data.name as string } : {});
		if (update) await store.users.updateOne({ _id: userId }, update);
		await propagateNames(context, user, data);
		if (data.newPassword !== undefined) {
			const password = { bcrypt: await hashPassword(data.newPassword) };
			// Of two concurrent changes, the later one fails.
			const changed = await revokeTokensOf(context, userId, {
				kept: hashedToken,
				condition: { 'services.password.bcrypt': bcrypt },
				changes: { $set: { 'services.password': password } },
			});
			if (!changed) throw clientError('invalidPassword');
		}
		return { user: await findClientUser(store, userId) };
	},
});
