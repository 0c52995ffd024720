import { stream } from '../../shared/stream.js';

/**
 * `permissions-changed` with `[action, permission]`, `roles-change` with `[{type, _id, u}]`, `Users:Deleted` with
 * `[{userId}]`: for everyone who is logged in (10.2).
 */
export const notifyLogged = stream({
	name: 'notify-logged',
	summary: 'Events for all users who are logged in: changes of permissions and roles, deleted users',
	mayRead: (_eventName, { userId }) => userId !== null,
});
