/**
 * `users.createToken`, `users.listTokens`, `users.revokeTokens`: an admin issues and revokes login tokens of other
 * users. Rocket.Chat has only the first.
 */
import type { LoginToken } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, NonEmptyString } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import { Text } from '../../shared/text.js';
import { READ_DEFAULTS, WRITE_DEFAULTS } from '../methodDefaults.js';
import { PAGE_ANSWER } from '../model/answers.js';
import { Page, pageAnswer, pageOfList } from '../model/paging.js';
import { hasPermissionById, requirePermission } from '../model/permissions/permissions.js';
import { findUser, USER_ARGS, type UserArgs } from '../model/users/findUser.js';
import { removeSurplusLogins, revokeToken, revokeTokensOf } from '../model/users/revokeTokens.js';
import { findTokens, issueToken, PERSONAL_TOKEN, tokenId } from '../model/users/tokens.js';

/** In characters. */
const MAX_NAME_LENGTH = 100;

const TokenName = Text({ min: 1, max: MAX_NAME_LENGTH });

async function requireUser(context: UserContext, permission: string, args: UserArgs) {
	await requirePermission(context, permission);
	const user = await findUser(context, args, { username: 1, roles: 1, active: 1 });
	if (!user) throw clientError('userNotFound');
	return user;
}

export const createToken = method({
	name: 'users.createToken',
	audit: true,
	args: {
		...USER_ARGS,
		/** Name of a personal access token, which never expires. Without a name a login token is issued. */
		name: Match.Optional(TokenName),
	},
	...WRITE_DEFAULTS,
	summary: 'Issues a login token for a user; requires user-generate-access-token, and assign-admin-role for an admin',
	returns: { data: { userId: String, authToken: String, expires: Match.Optional(Date) } },
	errors: ['error-unauthorized', 'error-user-param-not-provided', 'error-action-not-allowed'],
	async run({ name, ...userArgs }, context) {
		const { store } = context;
		const user = await requireUser(context, 'user-generate-access-token', userArgs);
		// Otherwise a user who may issue tokens, but is not an admin, could log in as an admin.
		if (user.roles?.includes('admin') && !(await hasPermissionById(store, context.userId, 'assign-admin-role')))
			throw clientError('assigningAdminNotAllowed', { action: 'Assign_admin' });
		const now = new Date();
		const isPersonal = name !== undefined;
		const fields = isPersonal ? { when: now, createdAt: now, type: PERSONAL_TOKEN, name } : { when: now };
		const noCondition = {};
		const issued = await issueToken(store, user._id, noCondition, fields);
		if (!issued) throw clientError('userDeactivated');
		await removeSurplusLogins(context, user._id);
		context.audit({ isPersonal });
		const expires = !isPersonal && { expires: issued.expires };
		return { data: { userId: user._id, authToken: issued.token, ...expires } };
	},
});

const TokenAnswer = {
	/** The beginning of the token's hash. */
	id: String,
	type: Match.OneOf('login', 'personal'),
	name: Match.Optional(String),
	created: Match.Optional(Date),
	/** Absent for a personal access token, which never expires. */
	expires: Match.Optional(Date),
};

function tokenAnswer({ token, expires }: { token: LoginToken; expires: Date }) {
	const isPersonal = token.type === PERSONAL_TOKEN;
	const created = token.createdAt ?? token.when;
	return {
		id: tokenId(token),
		type: isPersonal ? 'personal' : 'login',
		...(token.name !== undefined && { name: token.name }),
		...(created instanceof Date && { created }),
		...(!isPersonal && { expires }),
	};
}

export const listTokens = method({
	name: 'users.listTokens',
	args: { ...USER_ARGS, ...Page },
	...READ_DEFAULTS,
	summary: 'Lists the login tokens of a user without the tokens themselves; requires logout-other-user',
	returns: { tokens: [TokenAnswer], ...PAGE_ANSWER },
	errors: ['error-unauthorized', 'error-user-param-not-provided'],
	async run(args, context) {
		const user = await requireUser(context, 'logout-other-user', args);
		const tokens = await findTokens(context.store, user._id);
		return pageAnswer('tokens', pageOfList(tokens.map(tokenAnswer), args));
	},
});

export const revokeTokens = method({
	name: 'users.revokeTokens',
	audit: true,
	args: {
		...USER_ARGS,
		/** The `id` of one token; without it all tokens of the user are revoked. */
		tokenId: Match.Optional(NonEmptyString),
	},
	...WRITE_DEFAULTS,
	summary:
		'Revokes one login token of a user, or without tokenId all of them, personal ones too; requires logout-other-user',
	returns: { revoked: Number },
	errors: ['error-unauthorized', 'error-user-param-not-provided', 'error-invalid-token'],
	async run({ tokenId: id, ...userArgs }, context) {
		const user = await requireUser(context, 'logout-other-user', userArgs);
		const tokens = await findTokens(context.store, user._id);
		if (id === undefined) {
			await revokeTokensOf(context, user._id);
			return { revoked: tokens.length };
		}
		const withThisId = tokens.filter(({ token }) => tokenId(token) === id);
		if (withThisId.length === 0) throw clientError('noSuchToken');
		context.audit({ tokenId: id });
		for (const { token } of withThisId) await revokeToken(context, user._id, token.hashedToken);
		return { revoked: withThisId.length };
	},
});
