/** `users.update`: an admin changes a user's account. */

import { check } from '../../shared/check.js';
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, NonEmptyString } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { LONG_WORK_MS } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER, UserAnswer } from '../model/answers.js';
import { CustomFields } from '../model/customFields.js';
import { changeActive } from '../model/lifecycle/changeActive.js';
import { requireHandOverConfirmation } from '../model/lifecycle/handOverRooms.js';
import { hasPermissionById } from '../model/permissions/permissions.js';
import { hasSameElements } from '../model/storedLists.js';
import { changeUnlessLastAdmin, isActiveAdmin, requireNotLastAdmin } from '../model/users/admins.js';
import { requireAssignableRoles } from '../model/users/assignableRoles.js';
import { findClientUser } from '../model/users/clientUser.js';
import { RealName, saveUsernameAndEmail } from '../model/users/names.js';
import { hashPassword, NewPassword, type Password } from '../model/users/passwords.js';
import { givenFields, PROFILE_ERRORS, profileUpdate, requireProfileTexts } from '../model/users/profileTexts.js';
import { propagateNames } from '../model/users/propagateNames.js';
import { revokeTokensOf } from '../model/users/revokeTokens.js';
import { notifyRoleChanges } from '../streams/roles.js';

const STORED_FIELDS = {
	username: 1,
	name: 1,
	emails: 1,
	roles: 1,
	active: 1,
	requirePasswordChange: 1,
	customFields: 1,
	bio: 1,
	nickname: 1,
} as const;

const Changes = {
	name: Match.Optional(RealName),
	username: Match.Optional(String),
	email: Match.Optional(String),
	verified: Match.Optional(Boolean),
	password: Match.Optional(NewPassword),
	roles: Match.Optional([String]),
	active: Match.Optional(Boolean),
	requirePasswordChange: Match.Optional(Boolean),
	customFields: Match.Optional(CustomFields),
	bio: Match.Optional(String),
	nickname: Match.Optional(String),
};

type Context = Pick<MethodContext, 'store' | 'events' | 'userId' | 'hashedToken' | 'signal'>;

/** Sets a password and ends the user's logins in one write. Callers who change their own password stay logged in. */
async function setPassword(context: Context, userId: string, password: Password): Promise<void> {
	const kept = userId === context.userId ? context.hashedToken : null;
	const changes = { $set: { 'services.password': { bcrypt: await hashPassword(password) } } };
	await revokeTokensOf(context, userId, { kept, changes });
}

/**
 * Sets the roles of a user, unless no admin would be left.
 * @throws ClientError `error-action-not-allowed` also if a concurrent call has given the user the role admin or taken
 * it away, which this caller may not be allowed to undo
 */
async function setRoles({ store, events }: Context, user: User, requested: readonly string[]): Promise<void> {
	const roles = [...new Set(requested)];
	if (hasSameElements(roles, user.roles)) return;
	const write = (newRoles: string[], condition: Filter<User> = {}) =>
		store.users.updateOne({ ...condition, _id: user._id }, { $set: { roles: newRoles } });
	const asRead: Filter<User> = { roles: user.roles?.includes('admin') ? 'admin' : { $ne: 'admin' } };
	const change = async () => {
		const { matchedCount } = await write(roles, asRead);
		if (matchedCount === 0) throw clientError('assigningAdminNotAllowed');
	};
	const undo = () => write(user.roles ?? []);
	if (roles.includes('admin')) await change();
	else await changeUnlessLastAdmin(store, user, change, undo);
	notifyRoleChanges(events, user, roles);
}

/** @throws MatchError if the custom fields become too large */
function changedFields(user: User, data: Partial<User>): Partial<User> {
	const customFields = data.customFields && { ...user.customFields, ...data.customFields };
	check(customFields, Match.Optional(CustomFields));
	const sentFields: Partial<User> = {
		...(data.name !== undefined && { name: data.name }),
		...(data.requirePasswordChange !== undefined && { requirePasswordChange: data.requirePasswordChange }),
		...(customFields && { customFields }),
	};
	const differs = ([field, value]: [string, unknown]) =>
		JSON.stringify(value) !== JSON.stringify(user[field as keyof User]);
	return Object.fromEntries(Object.entries(sentFields).filter(differs));
}

export const updateUser = method({
	name: 'users.update',
	audit: true,
	args: {
		userId: NonEmptyString,
		data: Changes,
		/** With `active: false`: rooms of which the user is the only owner get a new owner. */
		confirmRelinquish: Match.Optional(Boolean),
	},
	...WRITE_DEFAULTS,
	timeout: LONG_WORK_MS,
	summary: "Changes a user's account; a new password ends all their logins; requires edit-other-user-info",
	returns: { user: UserAnswer, ...LAST_KEY_HOLDER_ANSWER },
	errors: ['error-action-not-allowed', 'error-could-not-save-identity', 'user-last-owner', ...PROFILE_ERRORS],
	async run({ userId: changedUserId, data, confirmRelinquish }, context) {
		const { store, userId } = context;
		context.audit({ fields: givenFields(data) });
		const requireCallerMay = async (
			permission: string,
			error: 'editingUserNotAllowed' | 'assigningAdminNotAllowed',
		) => {
			if (!(await hasPermissionById(store, userId, permission))) throw clientError(error);
		};
		await requireCallerMay('edit-other-user-info', 'editingUserNotAllowed');
		if (data.password !== undefined) await requireCallerMay('edit-other-user-password', 'editingUserNotAllowed');
		if (data.active !== undefined) await requireCallerMay('edit-other-user-active-status', 'editingUserNotAllowed');
		const user = await store.users.findOne({ _id: changedUserId }, { projection: STORED_FIELDS });
		if (!user) throw clientError('userNotFound');
		// Otherwise a user who may set passwords, but is not an admin, could log in as an admin.
		if (data.password !== undefined && user.roles?.includes('admin'))
			await requireCallerMay('assign-admin-role', 'assigningAdminNotAllowed');
		if (data.roles) {
			await requireAssignableRoles(store, data.roles, user.roles);
			const changesAdmin = data.roles.includes('admin') !== (user.roles ?? []).includes('admin');
			if (changesAdmin) await requireCallerMay('assign-admin-role', 'assigningAdminNotAllowed');
		}
		const handOverOptions = { isLeaving: false, confirmed: confirmRelinquish };
		const ridsToHandOver =
			data.active === false ? await requireHandOverConfirmation(store, changedUserId, handOverOptions) : [];
		const rolesAfter = data.roles ?? user.roles ?? [];
		const staysAdmin = isActiveAdmin({ roles: rolesAfter, active: data.active ?? true });
		if (!staysAdmin) await requireNotLastAdmin(store, user);
		const fields = changedFields(user, data);
		requireProfileTexts(data);
		// From here on the call writes. Only the next two steps, and `changeActive` at the end, can still refuse it.
		await saveUsernameAndEmail(store, user, data);
		if (data.roles) await setRoles(context, user, data.roles);
		const update = profileUpdate(user, data, fields);
		if (update) await store.users.updateOne({ _id: changedUserId }, update);
		await propagateNames(context, user, data);
		if (data.password !== undefined) await setPassword(context, changedUserId, data.password);
		// `changeActive` refuses to deactivate the last admin, so it gets the new roles.
		const withNewRoles = { ...user, ...(data.roles && { roles: data.roles }) };
		const lastHolderAnswer =
			data.active === undefined ? {} : await changeActive(context, withNewRoles, data.active, ridsToHandOver);
		return { user: await findClientUser(store, changedUserId), ...lastHolderAnswer };
	},
});
