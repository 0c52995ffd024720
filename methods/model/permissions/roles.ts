/** The roles that exist: Rocket.Chat's documents, or its default roles for a database that contains none. */
import type { Role } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { KNOWN_PERMISSIONS } from './permissions.js';

export type ShownRole = Omit<Role, '_updatedAt'>;

function standard(_id: string, scope: Role['scope'], description = ''): ShownRole {
	return { _id, name: _id, scope, description, protected: true, mandatory2fa: false };
}

/** Rocket.Chat's default roles. Nobody can delete them there. */
const STANDARD: readonly ShownRole[] = [
	standard('admin', 'Users', 'Admin'),
	standard('anonymous', 'Users'),
	standard('app', 'Users'),
	standard('bot', 'Users'),
	standard('guest', 'Users'),
	standard('leader', 'Subscriptions', 'Leader'),
	standard('livechat-agent', 'Users', 'Livechat Agent'),
	standard('livechat-manager', 'Users', 'Livechat Manager'),
	standard('moderator', 'Subscriptions', 'Moderator'),
	standard('owner', 'Subscriptions', 'Owner'),
	standard('user', 'Users'),
];

/** Roles that Rocket.Chat's code names: the default roles, and those that permissions have by default. */
const NAMED = new Set([...STANDARD.map(({ _id }) => _id), ...[...KNOWN_PERMISSIONS.values()].flat()]);

/** The roles to show to clients. */
export async function readRoles({ roles }: Store): Promise<readonly ShownRole[]> {
	const stored = await roles.find({}, { projection: { _updatedAt: 0 }, sort: { _id: 1 } }).toArray();
	return stored.length > 0 ? stored : STANDARD;
}

/** Whether all these roles exist. */
export async function doRolesExist({ roles }: Store, ids: Iterable<string>): Promise<boolean> {
	const others = [...new Set(ids)].filter((id) => !NAMED.has(id));
	return others.length === 0 || (await roles.countDocuments({ _id: { $in: others } })) === others.length;
}
