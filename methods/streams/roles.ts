/** Roles over streams (`test/contract/rocketchat-e2e.md` 10.2). */
import type { User } from '../../shared/documents.js';
import type { Events } from '../../shared/events.js';
import { stream } from '../../shared/stream.js';

/** This stream has no events, because Roomkey does not define roles. Rocket.Chat's clients wait for its `ready`. */
export const roles = stream({
	name: 'roles',
	summary: 'Changes of role definitions: no events, because Roomkey does not define roles',
	events: [],
	mayRead: (_eventName, { userId }) => userId !== null,
});

/**
 * Notifies all users who are logged in of the roles that a user has gained and lost.
 * @param user as before the change
 */
export function notifyRoleChanges(
	events: Events,
	{ _id, username, roles: formerRoles = [] }: Pick<User, '_id' | 'username' | 'roles'>,
	newRoles: readonly string[],
): void {
	const notify = (type: 'added' | 'removed', role: string) =>
		events.emit('notify', {
			stream: 'notify-logged',
			eventName: 'roles-change',
			args: [{ type, _id: role, u: { _id, username } }],
		});
	for (const role of newRoles) if (!formerRoles.includes(role)) notify('added', role);
	for (const role of formerRoles) if (!newRoles.includes(role)) notify('removed', role);
}
