/**
 * Login tokens (`test/contract/ddp.md` 16.2, `test/contract/rocketchat-e2e.md` 9.3): how they are created, hashed,
 * found, revoked, and removed after they have expired.
 */
import { hash, randomBytes } from 'node:crypto';
import type { LoginToken, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store, UpdateFilter, WriteOptions } from '../../../shared/store.js';
import { DEFAULTS, workspaceSetting } from '../settings/workspace.js';
import { findUserOfToken, loginTokensOf, TOKEN_HASH, TOKENS } from './tokenLookup.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The lifetime of a token that never expires, in days: a century. */
const NEVER_DAYS = 36_500;

/** The type of personal access tokens. */
export const PERSONAL_TOKEN = 'personalAccessToken';

/** A random token of 256 bits: 43 characters of `a-zA-Z0-9-_`. */
export function newToken(): string {
	return randomBytes(32).toString('base64url');
}

/** The stored form of a token: the base64 of its SHA-256. */
export function hashToken(token: string): string {
	return hash('sha256', token, 'base64');
}

/** The lifetime of a login token in days. An invalid setting counts as the default, as in Rocket.Chat. */
async function lifetimeInDays(store: Store): Promise<number> {
	const days = await workspaceSetting(store, 'Accounts_LoginExpiration');
	return days > 0 ? Math.min(days, NEVER_DAYS) : DEFAULTS.Accounts_LoginExpiration;
}

/**
 * When a token expires. A personal access token never expires: its date is a century ahead, as in Meteor, because
 * `@rocket.chat/ddp-client` requires a date. Any other token without a creation date counts as expired.
 */
function expiryOf({ type, when }: Pick<LoginToken, 'when' | 'type'>, days: number): Date {
	const isDate = when instanceof Date && !Number.isNaN(when.getTime());
	// Rocket.Chat stores no creation date for personal access tokens.
	if (type === PERSONAL_TOKEN) return new Date((isDate ? when.getTime() : Date.now()) + NEVER_DAYS * DAY_MS);
	const expiry = new Date(isDate ? when.getTime() + days * DAY_MS : 0);
	// The sum of a stored date and the lifetime can exceed the range of dates.
	return Number.isNaN(expiry.getTime()) ? new Date(0) : expiry;
}

/** The user of a token; `expired` for an expired token; `unknown` if no active user has the token. */
export type TokenHolder = { user: User; token: LoginToken; expires: Date } | 'expired' | 'unknown';

/** Finds the user whose token has this hash. @param userId if given, the token must be this user's */
export async function findTokenHolder(store: Store, hashedToken: string, userId?: string): Promise<TokenHolder> {
	const user = await findUserOfToken(store, hashedToken, userId);
	const token = loginTokensOf(user).find((entry) => entry.hashedToken === hashedToken);
	if (!user || !token || user.active === false) return 'unknown';
	const expires = expiryOf(token, await lifetimeInDays(store));
	return expires.getTime() <= Date.now() ? 'expired' : { user, token, expires };
}

/** A new token for a client. */
export interface NewToken {
	readonly token: string;
	/** The form in which the user document stores the token, with its hash. */
	readonly entry: LoginToken;
	readonly expires: Date;
}

/**
 * Creates a token without storing it.
 * @param template a stored token, from which the new token gets all but the hash. Default: a login token created now
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
 * @param condition a filter that the user document must match at the time of the write, such as the hash of the password
 * that was checked
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

/** The answer that gives a token to a client. */
export interface TokenResult {
	id: string;
	token: string;
	tokenExpires: Date;
}

export function tokenResult(id: string, token: string, expires: Date): TokenResult {
	return { id, token, tokenExpires: expires };
}

/**
 * Logs the connection in as the user of this token. If this fails, the connection is logged out again.
 * @throws ClientError if the token was removed before the login, so that no event of the removal reached this connection
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

/** Logs the connection in as a user with a new token. */
export async function logInWithToken(
	{ token, entry, expires }: NewToken,
	userId: string,
	context: Pick<MethodContext, 'store' | 'setUserId'>,
): Promise<TokenResult> {
	await logInConnection(context, userId, entry.hashedToken, expires);
	return tokenResult(userId, token, expires);
}

/** Number of characters that identify a token among those of its user. */
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
			// An entry with a space in the place of the hash is no token, but a claim of `insertUser` to a name.
			.filter(({ hashedToken }) => !hashedToken.includes(' '))
			.map((token) => ({ token, expires: expiryOf(token, days) }))
			.filter(({ expires }) => expires.getTime() > Date.now())
			.reverse()
	);
}

/**
 * Removes a token, and ends every session that uses the token. Does nothing if the token does not exist any more.
 * @param beforeEnd runs after the removal, before the sessions are ended
 */
export async function revokeToken(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	hashedToken: string,
	beforeEnd?: () => Promise<void>,
): Promise<void> {
	const { matchedCount } = await store.users.updateOne(
		{ _id: userId, [TOKEN_HASH]: hashedToken },
		{ $pull: { [TOKENS]: { hashedToken } } },
		{ silent: true },
	);
	try {
		await beforeEnd?.();
	} finally {
		if (matchedCount > 0) events.emit('tokens-removed', { userId, hashedTokens: [hashedToken] });
	}
}

interface Revocation extends WriteOptions {
	/** Hash of a token that stays. None by default. */
	readonly kept?: string | null;
	/** A filter that the user document must match at the time of the write. */
	readonly condition?: Filter<User>;
	/** Other changes in the same write. Without them the write notifies nobody. */
	readonly changes?: UpdateFilter<User>;
}

/**
 * Removes all tokens of a user, or all but one, in one write, and ends every session that uses a removed token.
 * @returns false if the condition does not hold, or there is no such user
 */
export async function revokeTokensOf(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	{ kept = null, condition = {}, changes = {}, silent = Object.keys(changes).length === 0 }: Revocation = {},
): Promise<boolean> {
	const before = await store.users.findOneAndUpdate(
		{ ...condition, _id: userId },
		// The hash of a token is never empty, so `$ne: ''` matches all tokens.
		{ ...changes, $pull: { [TOKENS]: { hashedToken: { $ne: kept ?? '' } } } },
		{ returnDocument: 'before', projection: { [TOKEN_HASH]: 1 }, silent },
	);
	if (!before) return false;
	const removed = loginTokensOf(before)
		.map(({ hashedToken }) => hashedToken)
		.filter((hash) => hash !== kept);
	if (removed.length > 0) events.emit('tokens-removed', { userId, hashedTokens: removed });
	return true;
}

/**
 * Removes the login tokens of a user, except one and personal access tokens. Ends the sessions of removed tokens.
 * @param kept hash of the token that stays
 */
export async function revokeOtherLogins(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	kept: string,
): Promise<void> {
	const others = { hashedToken: { $ne: kept }, type: { $ne: PERSONAL_TOKEN } };
	const before = await store.users.findOneAndUpdate(
		{ _id: userId },
		{ $pull: { [TOKENS]: others } },
		{ returnDocument: 'before', projection: { [TOKENS]: 1 }, silent: true },
	);
	const removed = loginTokensOf(before).filter(
		({ hashedToken, type }) => hashedToken !== kept && type !== PERSONAL_TOKEN,
	);
	if (removed.length === 0) return;
	events.emit('tokens-removed', { userId, hashedTokens: removed.map(({ hashedToken }) => hashedToken) });
}

/**
 * Finds which of these tokens do not exist any more or belong to deactivated users. Needed because other programs, such as
 * Rocket.Chat, do not notify Roomkey when they remove tokens or deactivate users.
 * @param hashedTokens hashes of at most a few hundred tokens, because they are looked up in one query
 */
export async function findRevokedTokens({ users }: Store, hashedTokens: readonly string[]): Promise<Set<string>> {
	const revoked = new Set(hashedTokens);
	const withValidToken = { [TOKEN_HASH]: { $in: [...revoked] }, active: { $ne: false } };
	const holders = users.find(withValidToken, { projection: { [TOKEN_HASH]: 1 } });
	for await (const holder of holders) {
		for (const { hashedToken } of loginTokensOf(holder)) revoked.delete(hashedToken);
	}
	return revoked;
}

/** Maximum number of login tokens of a user. Rocket.Chat keeps 50. Each look-up of a token reads all tokens of its user. */
const MAX_LOGINS = 200;

/**
 * Removes the oldest login tokens of a user who has too many, and ends their sessions. Personal access tokens stay. Called
 * after a token was issued.
 */
export async function removeSurplusLogins(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
): Promise<void> {
	const whereTooMany = { _id: userId, [`${TOKENS}.${MAX_LOGINS}`]: { $exists: true } };
	const user = await store.users.findOne(whereTooMany, { projection: { [TOKENS]: 1 } });
	const logins = loginTokensOf(user).filter(({ type }) => type !== PERSONAL_TOKEN);
	const hashedTokens = logins.slice(0, -MAX_LOGINS).map(({ hashedToken }) => hashedToken);
	if (hashedTokens.length === 0) return;
	const removal = { $pull: { [TOKENS]: { hashedToken: { $in: hashedTokens } } } };
	await store.users.updateOne({ _id: userId }, removal, { silent: true });
	events.emit('tokens-removed', { userId, hashedTokens });
}

/** Removes the login tokens that have expired. The server does this every ten minutes, as Meteor does. */
export async function removeExpiredTokens(store: Store): Promise<void> {
	const before = new Date(Date.now() - (await lifetimeInDays(store)) * DAY_MS);
	const expired = { when: { $lt: before }, type: { $ne: PERSONAL_TOKEN } };
	await store.users.updateMany(
		{ [TOKENS]: { $elemMatch: expired } },
		{ $pull: { [TOKENS]: expired } },
		{ silent: true },
	);
}
