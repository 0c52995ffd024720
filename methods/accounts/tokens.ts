/** Login tokens (`contract/ddp.md` 16.2, `contract/rocketchat-e2e.md` 9.3): made, hashed, found again, swept. */
import { createHash, randomBytes } from 'node:crypto';
import type { LoginToken, User } from '../../shared/documents.js';
import type { MethodContext, Settings } from '../../shared/method.js';
import type { Filter, Store, UpdateFilter } from '../../shared/store.js';

const DAY = 24 * 60 * 60 * 1000;

/** 43 characters of `a-zA-Z0-9-_`, 256 bits. */
export function newToken(): string {
	return randomBytes(32).toString('base64url');
}

/** What is stored of a token: the base64 of its SHA-256. */
export function hashToken(token: string): string {
	return createHash('sha256').update(token).digest('base64');
}

/** When a token runs out; never, for a personal access token. */
export function expiryOf(token: Pick<LoginToken, 'when' | 'type'>, settings: Settings): Date | undefined {
	if (token.type === 'personalAccessToken') return undefined;
	return new Date(token.when.getTime() + settings.loginExpirationInDays * DAY);
}

/** What became of a token: who it belongs to, that it has run out, or that nobody has it. */
export type TokenHolder = { user: User; token: LoginToken; expires: Date | undefined } | 'expired' | 'unknown';

/**
 * Finds the user whose token has this hash.
 * @param userId if given, the token must be this user's
 */
export async function findTokenHolder(
	{ store, settings }: Pick<MethodContext, 'store' | 'settings'>,
	hashedToken: string,
	userId?: string,
): Promise<TokenHolder> {
	const holdsIt: Filter<User> = { 'services.resume.loginTokens.hashedToken': hashedToken };
	const user = await store.users.findOne(userId === undefined ? holdsIt : { _id: userId, ...holdsIt }, {
		projection: { username: 1, active: 1, 'services.resume.loginTokens': 1 },
	});
	const token = user?.services?.resume?.loginTokens.find((entry) => entry.hashedToken === hashedToken);
	if (!user || !token || user.active === false) return 'unknown';
	const expires = expiryOf(token, settings);
	return expires && expires.getTime() <= Date.now() ? 'expired' : { user, token, expires };
}

/** Makes a token for a user and stores its hash. */
export async function issueToken(
	{ store, settings }: Pick<MethodContext, 'store' | 'settings'>,
	userId: string,
): Promise<{ token: string; hashedToken: string; expires: Date | undefined }> {
	const token = newToken();
	const entry: LoginToken = { hashedToken: hashToken(token), when: new Date() };
	await store.users.updateOne({ _id: userId }, {
		$push: { 'services.resume.loginTokens': entry },
	} as UpdateFilter<User>);
	return { token, hashedToken: entry.hashedToken, expires: expiryOf(entry, settings) };
}

/** Removes one token, and tells every session that uses it. Nothing happens where it is gone already. */
export async function revokeToken(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	hashedToken: string,
): Promise<void> {
	const { matchedCount } = await store.users.updateOne(
		{ _id: userId, 'services.resume.loginTokens.hashedToken': hashedToken },
		{ $pull: { 'services.resume.loginTokens': { hashedToken } } } as UpdateFilter<User>,
	);
	if (matchedCount > 0) events.emit('tokens-removed', { userId, hashedTokens: [hashedToken] });
}

/** Removes the tokens that have run out. The server calls it every ten minutes, as Meteor does. */
export async function sweepTokens(store: Store, settings: Settings): Promise<void> {
	const before = new Date(Date.now() - settings.loginExpirationInDays * DAY);
	const expired = { when: { $lt: before }, type: { $ne: 'personalAccessToken' } };
	await store.users.updateMany(
		{ 'services.resume.loginTokens': { $elemMatch: expired } } as Filter<User>,
		{
			$pull: { 'services.resume.loginTokens': expired },
		} as UpdateFilter<User>,
	);
}
