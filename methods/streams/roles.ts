/** Roles over streams (`test/contract/rocketchat-e2e.md` 10.2). */
import type { User } from '../../shared/documents.js';
import type { Events } from '../../shared/events.js';
import { stream } from '../../shared/stream.js';

/**
 * `roles`: for everyone who is logged in. It has no events, because roles cannot be defined here, but stock clients
 * wait for `ready`.
 */
export const roles = stream({
	name: 'roles',
	summary: 'Changes of role definitions: no events, because roles cannot be defined here',
	events: [],
	mayRead: (_eventName, { userId }) => userId !== null,
});

/**
 * Notifies all users who are logged in of the roles that a user has gained and lost.
 * @param user with the roles before
 * @param now the roles after
 */
export function notifyRoleChanges(
	events: Events,
	{ _id, username, roles: before = [] }: Pick<User, '_id' | 'username' | 'roles'>,
	now: readonly string[],
): void {
	const notify = (type: 'added' | 'removed', role: string) =>
		events.emit('notify', {
			stream: 'notify-logged',
			eventName: 'roles-change',
			args: [{ type, _id: role, u: { _id, username } }],
		});
	for (const role of now) if (!before.includes(role)) notify('added', role);
	for (const role of before) if (!now.includes(role)) notify('removed', role);
}
