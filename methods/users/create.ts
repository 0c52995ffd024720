/** `users.create`: an admin makes an account for another user. */
import { clientError, clientErrorFrom } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { UserAnswer } from '../model/answers.js';
import { CustomFields } from '../model/customFields.js';
import { hasPermissionById } from '../model/permissions/permissions.js';
import { requireAssignableRoles } from '../model/users/assignableRoles.js';
import { findClientUser } from '../model/users/clientUser.js';
import { insertUser } from '../model/users/insertUser.js';
import { RealName, requireAllowedUsername, requireValidEmail } from '../model/users/names.js';
import { hashPassword, NewPassword } from '../model/users/passwords.js';
import { PROFILE_ERRORS, requireProfileTexts } from '../model/users/profileTexts.js';

export const createUserByAdmin = method({
	name: 'users.create',
	audit: true,
	args: {
		email: String,
		name: RealName,
		username: String,
		password: Match.Optional(NewPassword),
		roles: Match.Optional([String]),
		active: Match.Optional(Boolean),
		verified: Match.Optional(Boolean),
		requirePasswordChange: Match.Optional(Boolean),
		/**
		 * True: the account has no password until `users.update` sets one, because Roomkey cannot send a random one by
		 * mail.
		 */
		setRandomPassword: Match.Optional(Boolean),
		customFields: Match.Optional(CustomFields),
		bio: Match.Optional(String),
		nickname: Match.Optional(String),
		/** Ignored, because Roomkey has no default channels. */
		joinDefaultChannels: Match.Optional(Boolean),
		/** Only false is accepted, because Roomkey sends no mail. */
		sendWelcomeEmail: Match.Optional(false),
	},
	...WRITE_DEFAULTS,
	once: true,
	summary: 'Creates an account for another user; requires create-user',
	returns: { user: UserAnswer },
	errors: ['error-action-not-allowed', ...PROFILE_ERRORS],
	async run(args, context) {
		const { store, userId } = context;
		if (!(await hasPermissionById(store, userId, 'create-user'))) throw clientError('addingUserNotAllowed');
		const { email, name, username, password, roles = ['user'], active = true, verified = false } = args;
		if (username.trim() === '') throw clientErrorFrom('fieldRequired', 'Username', { field: 'Username' });
		requireAllowedUsername(username);
		requireValidEmail(email);
		if (password === undefined && !args.setRandomPassword) {
			throw clientErrorFrom('fieldRequired', 'Password', { field: 'Password' });
		}
		requireProfileTexts(args);
		await requireAssignableRoles(store, roles);
		if (roles.includes('admin') && !(await hasPermissionById(store, userId, 'assign-admin-role'))) {
			throw clientError('assigningAdminNotAllowed', { action: 'Assign_admin' });
		}
		const hasPassword = password !== undefined && !args.setRandomPassword;
		const user = {
			_id: randomId(),
			createdAt: new Date(),
			type: 'user',
			username,
			name,
			roles: [...new Set(roles)],
			active,
			emails: [{ address: email, verified }],
			...(args.requirePasswordChange && { requirePasswordChange: true }),
			...(args.customFields && { customFields: args.customFields }),
			...(args.bio?.trim() && { bio: args.bio.trim() }),
			...(args.nickname?.trim() && { nickname: args.nickname.trim() }),
			services: {
				...(hasPassword && { password: { bcrypt: await hashPassword(password) } }),
				resume: { loginTokens: [] },
			},
		};
		const taken = await insertUser(store, user);
		if (taken !== null) throw clientErrorFrom('fieldUnavailable', taken, { field: taken });
		context.audit({ userId: user._id });
		return { user: await findClientUser(store, user._id) };
	},
});
