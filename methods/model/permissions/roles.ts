/** Roles: clients receive those in the database, or Rocket.Chat's default roles if the database contains none. */
import type { Role } from '../../../shared/documents.js';
import { Match } from '../../../shared/match.js';
import type { Store } from '../../../shared/store.js';
import { KNOWN_PERMISSIONS } from './permissions.js';

export type ClientRole = Omit<Role, '_updatedAt'>;

function defaultRole(_id: string, scope: Role['scope'], description = ''): ClientRole {
	return { _id, name: _id, scope, description, protected: true, mandatory2fa: false };
}

/** Rocket.Chat's default roles. */
const DEFAULT_ROLES: readonly ClientRole[] = [
	defaultRole('admin', 'Users', 'Admin'),
	defaultRole('anonymous', 'Users'),
	defaultRole('app', 'Users'),
	defaultRole('bot', 'Users'),
	defaultRole('guest', 'Users'),
	defaultRole('leader', 'Subscriptions', 'Leader'),
	defaultRole('livechat-agent', 'Users', 'Livechat Agent'),
	defaultRole('livechat-manager', 'Users', 'Livechat Manager'),
	defaultRole('moderator', 'Subscriptions', 'Moderator'),
	defaultRole('owner', 'Subscriptions', 'Owner'),
	defaultRole('user', 'Users'),
];

const rolesWithPermissions = [...KNOWN_PERMISSIONS.values()].flat();

const BUILT_IN_ROLES = new Set([...DEFAULT_ROLES.map(({ _id }) => _id), ...rolesWithPermissions]);

/** Whether a role exists without a document. */
export const isBuiltInRole = (id: string): boolean => BUILT_IN_ROLES.has(id);

export function isRoleId(text: unknown): text is string {
	return typeof text === 'string' && /^[\w.-]{1,100}$/.test(text);
}

/** Pattern of the id of a role, which need not exist. */
export const RoleId = Match.Where(isRoleId, 'text of 1 to 100 letters, digits and any of . _ -', {
	type: 'string',
	pattern: '^[\\w.-]{1,100}$',
	examples: ['user'],
});

/** The roles as clients receive them. */
export async function readRoles({ roles }: Store): Promise<readonly ClientRole[]> {
	const stored = await roles.find({}, { projection: { _updatedAt: 0 }, sort: { _id: 1 } }).toArray();
	return stored.length > 0 ? stored : DEFAULT_ROLES;
}

/** Whether all these roles exist, built in or in the database. */
export async function doRolesExist({ roles }: Store, ids: Iterable<string>): Promise<boolean> {
	const others = [...new Set(ids)].filter((id) => !BUILT_IN_ROLES.has(id));
	return others.length === 0 || (await roles.countDocuments({ _id: { $in: others } })) === others.length;
}
