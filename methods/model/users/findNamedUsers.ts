/** Finds the users that a call identifies by ids or names. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { MethodContext } from '../../../shared/method.js';
import { findByUsernames, USER_ARGS } from './findUser.js';

/** The arguments that identify users, singly or in lists. `user` is an alias of `username`. */
export const USERS_ARGS = {
	...USER_ARGS,
	userIds: Match.Optional([String]),
	usernames: Match.Optional([String]),
} as const;

type UsersArgs = { [K in keyof typeof USERS_ARGS]?: string | string[] | undefined };

/** Maximum number of users in one call. */
const MAX_USERS = 1000;

/** @throws ClientError `error-too-many-users` */
export function refuseTooManyUsers(named: readonly unknown[]): void {
	if (named.length > MAX_USERS) throw clientError('tooManyUsers');
}

const PROJECTION = { username: 1, name: 1 } as const;

/**
 * Finds all users that the arguments identify, without duplicates.
 * @throws ClientError `error-users-params-not-provided`, `error-too-many-users`, or `error-invalid-user` if one of
 * them does not exist
 */
export async function findNamedUsers(
	context: Pick<MethodContext, 'store' | 'signal'>,
	{ userId, username, user, userIds, usernames }: UsersArgs,
): Promise<User[]> {
	const { store } = context;
	const listed = (one: typeof userId, more: typeof userIds) =>
		[...new Set([...(one ? [one] : []), ...(more ?? [])].flat())].filter((text) => text !== '');
	const ids = listed(userId, userIds);
	const names = listed(username ?? user, usernames);
	if (ids.length + names.length === 0) throw clientError('userParamMissing');
	refuseTooManyUsers([...ids, ...names]);
	const byId = await store.users.find({ _id: { $in: ids } }, { projection: PROJECTION }).toArray();
	const byName = byId.length < ids.length ? null : await findByUsernames(context, names, PROJECTION);
	if (!byName || byName.size < names.length) throw clientError('invalidUser');
	return [...new Map([...byId, ...byName.values()].map((found) => [found._id, found])).values()];
}
