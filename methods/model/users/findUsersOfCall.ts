/** Finds the users that a call identifies by ids or names. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { MethodContext } from '../../../shared/method.js';
import { findByUsernames, USER_ARGS } from './findUser.js';

export const USER_LIST_ARGS = {
	...USER_ARGS,
	userIds: Match.Optional([String]),
	usernames: Match.Optional([String]),
} as const;

interface UsersArgs {
	readonly userId?: string | undefined;
	readonly username?: string | undefined;
	readonly user?: string | undefined;
	readonly userIds?: readonly string[] | undefined;
	readonly usernames?: readonly string[] | undefined;
}

const MAX_USERS = 1000;

/** @throws ClientError `error-too-many-users` */
export function refuseTooManyUsers(idsOrNames: readonly string[]): void {
	if (idsOrNames.length > MAX_USERS) throw clientError('tooManyUsers');
}

const PROJECTION = { username: 1, name: 1 } as const;

function distinctTexts(single = '', list: readonly string[] = []): string[] {
	return [...new Set([single, ...list])].filter((text) => text !== '');
}

/**
 * Finds all users that the arguments identify, without duplicates.
 * @throws ClientError `error-users-params-not-provided` without an argument; `error-too-many-users`;
 * `error-invalid-user` if an argument matches no user
 */
export async function findUsersOfCall(
	context: Pick<MethodContext, 'store' | 'signal' | 'audit'>,
	{ userId, username, user, userIds, usernames }: UsersArgs,
): Promise<User[]> {
	const { store } = context;
	const ids = distinctTexts(userId, userIds);
	const names = distinctTexts(username || user, usernames);
	if (ids.length + names.length === 0) throw clientError('usersParamsNotProvided');
	refuseTooManyUsers([...ids, ...names]);
	const foundById = await store.users.find({ _id: { $in: ids } }, { projection: PROJECTION }).toArray();
	if (foundById.length < ids.length) throw clientError('invalidUser');
	const foundByName = await findByUsernames(context, names, PROJECTION);
	if (foundByName.size < names.length) throw clientError('invalidUser');
	const usersById = new Map([...foundById, ...foundByName.values()].map((found) => [found._id, found]));
	const [first, ...others] = usersById.keys();
	context.audit(others.length === 0 ? { userId: first as string } : { userIds: [...usersById.keys()] });
	return [...usersById.values()];
}
