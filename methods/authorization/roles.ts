/** `roles.list`, `getUserRoles`: the roles, and the users who have a global role with a description, such as admin. */
import type { User } from '../../shared/documents.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { DDP_READ_DEFAULTS, READ_DEFAULTS } from '../methodDefaults.js';
import { cachedReads } from '../model/cachedReads.js';
import { readRoles } from '../model/permissions/roles.js';

type RoleHolder = Pick<User, '_id' | 'username' | 'roles'>;

/**
 * Users with a global role that has a description: clients show these roles beside names. Cached, because the query
 * scans all users.
 */
const usersWithShownRoles = cachedReads<RoleHolder[]>(async (store) => {
	const roles = await readRoles(store);
	const shown = roles.filter(({ scope, description }) => scope === 'Users' && description);
	const ids = shown.map(({ _id }) => _id);
	const options = { projection: { username: 1, roles: 1 }, sort: { username: 1 } } as const;
	const users = await store.users.find({ roles: { $in: ids } }, options).toArray();
	return users.map((user) => ({ ...user, roles: user.roles?.filter((role) => ids.includes(role)) ?? [] }));
});

export const listRoles = method({
	name: 'roles.list',
	args: {},
	...READ_DEFAULTS,
	summary: 'Lists the roles',
	returns: { roles: [Match.ObjectIncluding({ _id: String, name: String })] },
	errors: [],
	run: async (_args, { store }) => ({ roles: await readRoles(store) }),
});

export const getUserRoles = method({
	name: 'getUserRoles',
	args: {},
	...DDP_READ_DEFAULTS,
	summary: 'Lists the users who have a global role with a description, such as admin',
	returns: [{ _id: String, username: Match.Optional(String), roles: [String] }],
	errors: [],
	run: (_args, { store }) => usersWithShownRoles.get(store, 'all'),
});
