/** `createUser` (`test/contract/ddp.md` 16.1, 16.3): makes an account and logs in with it. Switched off by default. */
import { check } from '../../shared/check.js';
import { clientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { Match, shownAs } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { Text } from '../../shared/text.js';
import { CustomFields } from '../model/customFields.js';
import { insertUser } from '../model/users/insertUser.js';
import { requireAllowedUsername, requireValidEmail } from '../model/users/names.js';
import { hashPassword, NewPassword } from '../model/users/passwords.js';
import { logInWithToken, makeToken } from '../model/users/tokens.js';
import type { LoginResult } from './login.js';

/** Longest user name or e-mail address, in characters (RFC 5321). */
const MAX_NAME_LENGTH = 254;

const Name = Text({ max: MAX_NAME_LENGTH, oneLine: true });

const NewUser = Match.ObjectIncluding({
	username: Match.Optional(Name),
	email: Match.Optional(Name),
	password: Match.Optional(NewPassword),
	profile: Match.Optional(CustomFields),
});

export const createUser = method({
	name: 'createUser',
	audit: true,
	args: { options: shownAs(Object, NewUser) },
	summary: 'Makes an account from {username, email, password, profile} and logs in with it, if the server allows it',
	returns: { id: String, token: String, tokenExpires: Date, type: String },
	errors: [403, 400, 'error-input-is-not-a-valid-field', 'error-blocked-username', 'error-invalid-email'],
	anonymous: true,
	changesUser: true,
	async run({ options }, context): Promise<LoginResult> {
		const { settings, store } = context;
		if (!settings.signUps) throw clientError('signUpsForbidden');
		check(options, NewUser);
		const { username, email, password, profile } = options;
		if (!username && !email) throw clientError('namelessUser');
		if (username) requireAllowedUsername(username);
		if (email) requireValidEmail(email);
		const issued = await makeToken(store);
		const user = {
			_id: randomId(),
			createdAt: new Date(),
			type: 'user',
			roles: ['user'],
			active: true,
			...(username ? { username } : {}),
			...(email ? { emails: [{ address: email, verified: false }] } : {}),
			...(profile ? { profile } : {}),
			services: {
				...(password ? { password: { bcrypt: await hashPassword(password) } } : {}),
				resume: { loginTokens: [issued.entry] },
			},
		};
		// The error does not say whether the user name or the e-mail is taken (`test/contract/ddp.md` 16.3).
		if ((await insertUser(store, user)) !== null) throw clientError('loginFailed');
		context.audit({ userId: user._id });
		return { ...(await logInWithToken(issued, user._id, context)), type: 'password' };
	},
});
