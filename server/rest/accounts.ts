/**
 * The routes of an account. The answers of `login` and `logout` have a form of their own
 * (`test/contract/rocketchat-e2e.md` 9.1).
 */
import type { LoginResult } from '../../methods/accounts/login.js';
import { findProfile } from '../../methods/accounts/me.js';
import { Password } from '../../methods/model/users/passwords.js';
import { check } from '../../shared/check.js';
import { MatchError, toClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { compile, type Infer } from '../../shared/pattern.js';
import type { Caller } from '../core/caller.js';
import type { Services } from '../core/invocation.js';
import type { Invoker } from '../core/invoke.js';
import { type Answer, failed, succeeded } from './envelope.js';

/** The body of `login`. */
export const LoginBody = compile({
	resume: Match.Optional(String),
	/** A user name, an e-mail address (with an `@`), or an object as in the method `login`. */
	user: Match.Optional(Match.OneOf(String, { username: String }, { email: String })),
	username: Match.Optional(String),
	email: Match.Optional(String),
	password: Match.Optional(Password),
	code: Match.Optional(Match.OneOf(String, null)),
});

function loginOptions(body: unknown): object {
	check(body, LoginBody);
	const { resume, password } = body;
	if (resume !== undefined) return { resume };
	const login = { user: userOf(body), password };
	return body.code ? { totp: { code: body.code, login } } : login;
}

function userOf({ user, username, email }: Infer<typeof LoginBody>): object {
	if (typeof user === 'object') return user;
	const address = email ?? (user?.includes('@') ? user : undefined);
	return address ? { email: address } : { username: username ?? user };
}

/** Codes of errors of `login` that say nothing about the credentials. A client that got 401 would discard its token. */
const OTHER_REFUSALS: ReadonlySet<unknown> = new Set([500, 503, 'too-many-requests', 'error-timeout']);

/** Logs in. The answer is the same 401 for a wrong name and a wrong password. */
export async function logIn(invoker: Invoker, services: Services, body: unknown, caller: Caller): Promise<Answer> {
	let login: LoginResult;
	try {
		login = (await invoker.invoke('login', [loginOptions(body)], caller)) as LoginResult;
	} catch (thrown) {
		if (thrown instanceof MatchError) return failed(thrown);
		const { error, reason, details } = toClientError(thrown);
		if (OTHER_REFUSALS.has(error)) return failed(thrown);
		const body = { status: 'error', success: false, error, message: reason };
		// If a second factor is required, `details` says which.
		return { status: 401, body: details === undefined ? body : { ...body, details } };
	}
	const { id, token } = login;
	const me = await findProfile(services.store, id);
	return { status: 200, body: { status: 'success', success: true, data: { userId: id, authToken: token, me } } };
}

/** Logs out: removes the caller's login token. */
export async function logOut(invoker: Invoker, caller: Caller): Promise<Answer> {
	await invoker.invoke('logout', [], caller);
	return { status: 200, body: { status: 'success', data: { message: "You've been logged out!" } } };
}

/**
 * Ends all other logins of the caller. The answer contains the token of the request, because clients store the token of
 * the answer.
 */
export async function logOutOtherClients(
	invoker: Invoker,
	{ caller, token }: { readonly caller: Caller; readonly token: unknown },
): Promise<Answer> {
	const { tokenExpires } = (await invoker.invoke('users.logoutOtherClients', [], caller)) as { tokenExpires: Date };
	return succeeded({ token, tokenExpires });
}
