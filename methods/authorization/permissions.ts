/** `permissions.update`, `permissions.listAll`, `permissions/get`: which roles hold which permission. */

import { parseDateText } from '../../shared/dateText.js';
import type { Permission } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { DDP_READ_DEFAULTS, READ_DEFAULTS, WRITE_DEFAULTS } from '../methodDefaults.js';
import { PermissionAnswer } from '../model/answers.js';
import { insertIfAbsent } from '../model/insertIfAbsent.js';
import { dropCachedPermission, KNOWN_PERMISSIONS, requirePermission } from '../model/permissions/permissions.js';
import { doRolesExist, RoleId } from '../model/permissions/roles.js';
import { parseSince } from '../model/since.js';
import { hasSameElements } from '../model/storedLists.js';
import { getUserRoles, listRoles } from './roles.js';

/** All stored permissions, and the known permissions that are not stored, with their default roles. */
async function listPermissions(store: Store): Promise<Permission[]> {
	const stored = await store.permissions.find({}, { projection: { roles: 1, _updatedAt: 1 } }).toArray();
	const storedIds = new Set(stored.map(({ _id }) => _id));
	const notStored = [...KNOWN_PERMISSIONS].filter(([_id]) => !storedIds.has(_id));
	const defaults = notStored.map(([_id, roles]) => ({ _id, roles: [...roles] }));
	return [...stored, ...defaults].sort((a, b) => (a._id < b._id ? -1 : 1));
}

async function setRoles({ permissions }: Store, _id: string, roles: string[]): Promise<void> {
	const stored = await permissions.findOne({ _id }, { projection: { roles: 1 } });
	const presentRoles = stored?.roles ?? KNOWN_PERMISSIONS.get(_id) ?? [];
	if (hasSameElements(roles, presentRoles)) return;
	const inserted = !stored && (await insertIfAbsent(permissions, { _id, roles }));
	if (!inserted) await permissions.updateOne({ _id }, { $set: { roles } });
}

const updatePermissions = method({
	name: 'permissions.update',
	audit: true,
	args: {
		permissions: [{ _id: String, roles: [RoleId] }],
	},
	...WRITE_DEFAULTS,
	summary: 'Sets which roles hold permissions, with immediate effect; requires access-permissions',
	returns: { permissions: [PermissionAnswer] },
	errors: ['error-unauthorized', 'error-invalid-permission', 'error-invalid-role'],
	async run({ permissions }, context) {
		const { store } = context;
		await requirePermission(context, 'access-permissions');
		const all = await listPermissions(store);
		const knownIds = new Set(all.map(({ _id }) => _id));
		if (permissions.some(({ _id }) => !knownIds.has(_id))) throw clientError('invalidPermission');
		context.audit({ permissionIds: [...new Set(permissions.map(({ _id }) => _id))] });
		const allRoles = permissions.flatMap(({ roles }) => roles);
		if (!(await doRolesExist(store, allRoles))) throw clientError('unknownRole');
		for (const { _id, roles } of permissions) {
			await setRoles(store, _id, [...new Set(roles)]);
			dropCachedPermission(store, _id);
		}
		return { permissions: await listPermissions(store) };
	},
});

function isDateText(text: unknown): text is string {
	return typeof text === 'string' && parseDateText(text) !== undefined;
}

/** The permissions that were written after a date. Permissions that are not stored are left out. */
function writtenSince(all: readonly Permission[], since: Date): Permission[] {
	return all.filter(({ _updatedAt }) => _updatedAt && _updatedAt > since);
}

const listAllPermissions = method({
	name: 'permissions.listAll',
	args: { updatedSince: Match.Optional(Match.Where(isDateText, 'text of a date', { type: 'string' })) },
	...READ_DEFAULTS,
	summary: 'Lists which roles hold which permission; with a date, only those written since',
	returns: { update: [PermissionAnswer], remove: [Match.Any] },
	errors: [],
	async run({ updatedSince }, { store }) {
		const all = await listPermissions(store);
		if (updatedSince === undefined) return { update: all, remove: [] };
		return { update: writtenSince(all, new Date(updatedSince)), remove: [] };
	},
});

/** The form that Rocket.Chat's clients read over DDP, also before they log in. */
const getPermissions = method({
	name: 'permissions/get',
	args: { updatedAt: Match.Maybe(Date) },
	anonymous: true,
	...DDP_READ_DEFAULTS,
	summary: 'Lists which roles hold which permission; with a date, {update, remove} since then',
	returns: Match.OneOf([PermissionAnswer], { update: [PermissionAnswer], remove: [Match.Any] }),
	errors: ['error-updatedSince-param-invalid'],
	async run({ updatedAt }, { store }) {
		const since = parseSince(updatedAt);
		const all = await listPermissions(store);
		return since ? { update: writtenSince(all, since), remove: [] } : all;
	},
});

export const permissionMethods: readonly Method[] = [
	updatePermissions,
	listAllPermissions,
	getPermissions,
	listRoles,
	getUserRoles,
];
