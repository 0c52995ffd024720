/** Removes login tokens. */
import type { User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store, UpdateFilter, WriteOptions } from '../../../shared/store.js';
import { loginTokensOf, TOKEN_HASH, TOKENS } from './tokenLookup.js';
import { DAY_MS, lifetimeInDays, PERSONAL_TOKEN } from './tokens.js';

/**
 * Removes a token, and ends the sessions that use it.
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
 * Removes all tokens of a user, or all but one, in one write. Ends the sessions that use them.
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
 * Removes the login tokens of a user, except one and personal access tokens, and ends the sessions that use them.
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
 * Finds which of these tokens no longer exist or belong to deactivated users. Other programs, such as Rocket.Chat, do
 * not notify Roomkey of such changes.
 * @param hashedTokens at most a few hundred, because one query looks them up
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

/** Rocket.Chat keeps 50. Each look-up of a token reads all tokens of its user. */
const MAX_LOGINS = 200;

/** Removes the oldest login tokens above the maximum, and ends their sessions. Personal access tokens stay. */
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

/** Removes the login tokens that have expired. Called every ten minutes, as in Meteor. */
export async function removeExpiredTokens(store: Store): Promise<void> {
	const before = new Date(Date.now() - (await lifetimeInDays(store)) * DAY_MS);
	const expired = { when: { $lt: before }, type: { $ne: PERSONAL_TOKEN } };
	await store.users.updateMany(
		{ [TOKENS]: { $elemMatch: expired } },
		{ $pull: { [TOKENS]: expired } },
		{ silent: true },
	);
}
