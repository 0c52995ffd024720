import { Match } from '../../shared/match.js';
import { stream } from '../../shared/stream.js';
import { Action, PermissionAnswer, UserRefPattern } from '../model/answers.js';

/** Events for all users who are logged in (`test/contract/rocketchat-e2e.md` 10.2). */
export const notifyLogged = stream({
	name: 'notify-logged',
	summary: 'Events for all users who are logged in: changes of permissions and roles, deleted users',
	events: [
		{
			name: 'permissions-changed',
			summary: 'A permission has changed',
			args: { action: Action, permission: PermissionAnswer },
		},
		{
			name: 'roles-change',
			summary: 'A user has gained or lost a role',
			args: { change: { type: Match.OneOf('added', 'removed'), _id: String, u: UserRefPattern } },
		},
		{ name: 'Users:Deleted', summary: 'A user has been deleted', args: { user: { userId: String } } },
	],
	mayRead: (_eventName, { userId }) => userId !== null,
});
