/** `users.list`: all users, in pages. */
import { method } from '../../shared/method.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { PAGE_ANSWER, UserAnswer } from '../model/answers.js';
import { Page, pageAnswer, pageRange } from '../model/paging.js';
import { hasPermissionById, requirePermission } from '../model/permissions/permissions.js';
import { clientUserFields } from '../model/users/clientUser.js';

export const listUsers = method({
	name: 'users.list',
	args: Page,
	...READ_DEFAULTS,
	summary: 'Lists all users, sorted by user name; requires view-d-room',
	returns: { users: [UserAnswer], ...PAGE_ANSWER },
	errors: ['error-unauthorized'],
	async run(args, context) {
		const { store, userId } = context;
		await requirePermission(context, 'view-d-room');
		const { count, offset } = pageRange(args);
		const seesAll = await hasPermissionById(store, userId, 'view-full-other-user-info');
		const entries = await store.users
			.find({}, { projection: clientUserFields(seesAll), sort: { username: 1, _id: 1 }, skip: offset, limit: count })
			.toArray();
		return pageAnswer('users', { entries, offset, total: await store.users.countDocuments({}) });
	},
});
