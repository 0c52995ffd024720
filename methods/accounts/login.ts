/** `login` (`test/contract/ddp.md` section 16): with a resume token, or with a name and a password. */
import { check } from '../../shared/check.js';
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, NonEmptyString, named, shownAs } from '../../shared/match.js';
import { type LoginHandler, type MethodContext, method, type SecondFactor } from '../../shared/method.js';
import { findByLoginName } from '../model/users/findUser.js';
import { isRightPassword, Password } from '../model/users/passwords.js';
import { removeSurplusLogins } from '../model/users/revokeTokens.js';
import { attemptWithFactor, requireFactorAtLogin } from '../model/users/secondFactor.js';
import {
	findTokenHolder,
	hashToken,
	issueToken,
	logInConnection,
	logInWithToken,
	type TokenResult,
	tokenResult,
} from '../model/users/tokens.js';

/** The answer of a login. */
export interface LoginResult extends TokenResult {
	/** `resume`, `password`, or the name of a login handler. */
	type: string;
}

const PasswordLogin = {
	user: Match.OneOf({ id: NonEmptyString }, { username: NonEmptyString }, { email: NonEmptyString }),
	password: Password,
	/** The second factor, as Meteor's own clients send it. */
	code: Match.Optional(Match.OneOf(String, null)),
};

/** The option `totp` of Rocket.Chat's clients: a second factor, and the other options in `login`. */
const WithFactor = Match.ObjectIncluding({ code: Match.Maybe(String), login: Object });

const NamedPasswordLogin = named('PasswordLogin', PasswordLogin);

/** The options of a login, for the documentation. `run` checks them. */
const LoginOptions = Match.OneOf(
	Match.ObjectIncluding({ resume: String }),
	NamedPasswordLogin,
	Match.ObjectIncluding({
		totp: Match.ObjectIncluding({
			code: Match.Maybe(String),
			login: Match.OneOf(Match.ObjectIncluding({ resume: String }), NamedPasswordLogin),
		}),
	}),
);

/**
 * Looks a token up when its turn in the queue of logins comes. If too many logins wait, the connection is closed, and
 * Meteor's clients try again later. An error as the answer would make them forget their token.
 */
async function findHolder(token: string, context: MethodContext) {
	let hasStarted = false;
	const find = () => {
		hasStarted = true;
		return findTokenHolder(context.store, hashToken(token));
	};
	try {
		return await context.inLoginLane('token', find);
	} catch (error) {
		if (!hasStarted) context.connection?.close();
		throw error;
	}
}

/** Adds the stored name of the user to the audit event, not the name that the client has sent. */
function auditUser(context: MethodContext, { username }: User): void {
	if (typeof username === 'string') context.audit({ username });
}

async function resume(token: string, context: MethodContext): Promise<LoginResult> {
	const holder = await findHolder(token, context);
	if (holder === 'unknown') throw clientError('loggedOut');
	if (holder === 'expired') throw clientError('sessionExpired');
	// Uses the hash from the user document, because the store in memory has this string already. A new hash of `token`
	// would take memory for each connection.
	await logInConnection(context, holder.user._id, holder.token.hashedToken, holder.expires);
	auditUser(context, holder.user);
	return { ...tokenResult(holder.user._id, token, holder.expires), type: 'resume' };
}

/** @param outerFactor the second factor in the option `totp`; null without one */
async function logInWithPassword(
	options: unknown,
	outerFactor: SecondFactor | null,
	context: MethodContext,
): Promise<LoginResult> {
	check(options, PasswordLogin);
	const { user: identifier, password, code } = options;
	const factor = outerFactor ?? factorOf(code) ?? context.secondFactor;
	const attempt = async () => {
		const found = await findByLoginName(context.store, identifier, LOGIN_FIELDS);
		// Unknown users, deactivated users and wrong passwords get the same error after the same time
		// (`test/contract/ddp.md` 16.3).
		const isRight = await isRightPassword(password, found?.services?.password?.bcrypt);
		if (!found || !isRight || found.active === false) throw clientError('loginFailed');
		// After the password: callers with a wrong one must not learn whether the user has a second factor.
		await requireFactorAtLogin(context, found._id, factor);
		return found;
	};
	const user = await context.inLoginLane('password', () =>
		attemptWithFactor(context, attemptKeyOf(identifier), attempt),
	);
	const passwordUnchanged = { 'services.password.bcrypt': user.services?.password?.bcrypt };
	const issued = await issueToken(context.store, user._id, passwordUnchanged);
	if (!issued) throw clientError('loginFailed');
	await removeSurplusLogins(context, user._id);
	const result = await logInWithToken(issued, user._id, context);
	auditUser(context, user);
	return { ...result, type: 'password' };
}

const factorOf = (code?: string | null): SecondFactor | null => (code ? { code, method: null } : null);

type Identifier = { id: string } | { username: string } | { email: string };

/**
 * The key under which attempts are counted: what the client has sent. With one count for each user, attempts by user
 * name would also block the user's e-mail address, and so show that both belong together. The prefix separates these
 * counts from those that other methods keep by user id.
 */
function attemptKeyOf(user: Identifier): string {
	if ('id' in user) return `login ${user.id}`;
	return `login ${('username' in user ? user.username : user.email).toLowerCase()}`;
}

const LOGIN_FIELDS = { username: 1, active: 1, 'services.password.bcrypt': 1 } as const;

async function logInWithHandler({ name }: LoginHandler, userId: string, context: MethodContext): Promise<LoginResult> {
	const issued = await issueToken(context.store, userId, {});
	if (!issued) throw clientError('loginFailed');
	await removeSurplusLogins(context, userId);
	const user = await context.store.users.findOne({ _id: userId }, { projection: { username: 1 } });
	const result = await logInWithToken(issued, userId, context);
	if (user) auditUser(context, user);
	return { ...result, type: name };
}

export const login = method({
	name: 'login',
	audit: true,
	args: { options: shownAs(Object, LoginOptions) },
	summary: 'Logs in with {resume: token}, {user: {username}, password}, or {totp: {code, login: {user, password}}}',
	returns: { id: String, token: String, tokenExpires: Date, type: String },
	errors: [400, 403, 503, 'totp-required', 'totp-invalid', 'totp-max-attempts', 'too-many-requests'],
	anonymous: true,
	changesUser: true,
	// A login with a resume token only reads, and works on a read-only server. There the store refuses all other logins.
	writes: false,
	async run({ options: sentOptions }, context): Promise<LoginResult> {
		let options = sentOptions;
		let factor: SecondFactor | null = null;
		if ('totp' in options && options.totp) {
			check(options.totp, WithFactor);
			factor = factorOf(options.totp.code);
			options = options.totp.login;
		}
		if ('resume' in options && options.resume) {
			check(options.resume, String);
			return resume(options.resume, context);
		}
		if ('password' in options && options.password) return logInWithPassword(options, factor, context);
		for (const handler of context.settings.loginHandlers ?? []) {
			const found = await handler.run(options, context);
			if (found) return logInWithHandler(handler, found.userId, context);
		}
		throw clientError('unrecognizedLogin');
	},
});
