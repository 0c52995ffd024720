/** Creates, hashes and finds login tokens (`test/contract/ddp.md` 16.2, `test/contract/rocketchat-e2e.md` 9.3). */
import { hash, randomBytes } from 'node:crypto';
import type { LoginToken, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { DEFAULTS, workspaceSetting } from '../settings/workspace.js';
import { findUserOfToken, loginTokensOf, TOKENS } from './tokenLookup.js';

export const DAY_MS = 24 * 60 * 60 * 1000;

/** A century. */
const NEVER_DAYS = 36_500;

export const PERSONAL_TOKEN = 'personalAccessToken';

/** A random token of 256 bits: 43 characters of `a-zA-Z0-9-_`. */
export function newToken(): string {
	return randomBytes(32).toString('base64url');
}

/** The stored form of a token: the base64 of its SHA-256. */
export function hashToken(token: string): string {
	return hash('sha256', token, 'base64');
}

/** An invalid setting counts as the default, as in Rocket.Chat. */
export async function lifetimeInDays(store: Store): Promise<number> {
	const days = await workspaceSetting(store, 'Accounts_LoginExpiration');
	return days > 0 ? Math.min(days, NEVER_DAYS) : DEFAULTS.Accounts_LoginExpiration;
}

/**
 * A personal access token never expires. Its date is a century ahead, as in Meteor, because `@rocket.chat/ddp-client`
 * requires one. Any other token without a creation date counts as expired.
 */
function expiryOf({ type, when }: Pick<LoginToken, 'when' | 'type'>, days: number): Date {
	const isDate = when instanceof Date && !Number.isNaN(when.getTime());
	// Rocket.Chat stores no creation date for personal access tokens.
	if (type === PERSONAL_TOKEN) return new Date((isDate ? when.getTime() : Date.now()) + NEVER_DAYS * DAY_MS);
	const expiry = new Date(isDate ? when.getTime() + days * DAY_MS : 0);
	// The sum of a stored date and the lifetime can exceed the range of dates.
	return Number.isNaN(expiry.getTime()) ? new Date(0) : expiry;
}

/** `unknown`: no active user has the token. */
export type TokenHolder = { user: User; token: LoginToken; expires: Date } | 'expired' | 'unknown';

/** Finds the user whose token has this hash. @param userId if given, the token must be this user's */
export async function findTokenHolder(store: Store, hashedToken: string, userId?: string): Promise<TokenHolder> {
	const user = await findUserOfToken(store, hashedToken, userId);
	const token = loginTokensOf(user).find((entry) => entry.hashedToken === hashedToken);
	if (!user || !token || user.active === false) return 'unknown';
	const expires = expiryOf(token, await lifetimeInDays(store));
	return expires.getTime() <= Date.now() ? 'expired' : { user, token, expires };
}

export interface NewToken {
	readonly token: string;
	/** As stored in the user document. */
	readonly entry: LoginToken;
	readonly expires: Date;
}

/**
 * Creates a token without storing it.
 * @param template a stored token, of which the new one gets all fields but the hash. Default: a login token created now
 */
export async function makeToken(
	store: Store,
	template: Omit<LoginToken, 'hashedToken'> = { when: new Date() },
): Promise<NewToken> {
	const token = newToken();
	const entry: LoginToken = { ...template, hashedToken: hashToken(token) };
	return { token, entry, expires: expiryOf(entry, await lifetimeInDays(store)) };
}

/**
 * Creates a token for a user and stores its hash.
 * @param condition a filter that the user document must match at the write, such as the hash of the checked password
 * @returns null if the condition does not hold, or the user is no longer active
 */
export async function issueToken(
	store: Store,
	userId: string,
	condition: Filter<User>,
	template?: Omit<LoginToken, 'hashedToken'>,
): Promise<NewToken | null> {
	const issued = await makeToken(store, template);
	const { matchedCount } = await store.users.updateOne(
		{ active: { $ne: false }, ...condition, _id: userId },
		{ $push: { [TOKENS]: issued.entry } },
		{ silent: true },
	);
	return matchedCount === 0 ? null : issued;
}

export interface TokenResult {
	id: string;
	token: string;
	tokenExpires: Date;
}

export function tokenResult(id: string, token: string, expires: Date): TokenResult {
	return { id, token, tokenExpires: expires };
}

/**
 * Logs the connection in as the user of this token, or logs it out if that fails.
 * @throws ClientError if the token was removed before the login, so that no event of the removal reached this
 * connection
 */
export async function logInConnection(
	context: Pick<MethodContext, 'store' | 'setUserId'>,
	userId: string,
	hashedToken: string,
	expires: Date,
): Promise<void> {
	await context.setUserId(userId, hashedToken, expires);
	try {
		if ((await findTokenHolder(context.store, hashedToken, userId)) === 'unknown') throw clientError('loggedOut');
	} catch (thrown) {
		await context.setUserId(null);
		throw thrown;
	}
}

export async function logInWithToken(
	{ token, entry, expires }: NewToken,
	userId: string,
	context: Pick<MethodContext, 'store' | 'setUserId'>,
): Promise<TokenResult> {
	await logInConnection(context, userId, entry.hashedToken, expires);
	return tokenResult(userId, token, expires);
}

/** Characters that distinguish the tokens of a user. */
const ID_LENGTH = 12;

/** The id of a token: the beginning of its hash in hex, which needs no quotes in a shell. */
export function tokenId({ hashedToken }: Pick<LoginToken, 'hashedToken'>): string {
	return Buffer.from(hashedToken, 'base64').toString('hex').slice(0, ID_LENGTH);
}

/** The tokens of a user that have not expired, newest first. */
export async function findTokens(store: Store, userId: string): Promise<{ token: LoginToken; expires: Date }[]> {
	const user = await store.users.findOne({ _id: userId }, { projection: { [TOKENS]: 1 } });
	const days = await lifetimeInDays(store);
	return (
		loginTokensOf(user)
			// An entry with a space in its hash is a claim of `insertUser` to a name.
			.filter(({ hashedToken }) => !hashedToken.includes(' '))
			.map((token) => ({ token, expires: expiryOf(token, days) }))
			.filter(({ expires }) => expires.getTime() > Date.now())
			.reverse()
	);
}
