/** `users.info`: the visible fields of a user. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { UserAnswer } from '../model/answers.js';
import { hasPermissionById } from '../model/permissions/permissions.js';
import { clientUserFields } from '../model/users/clientUser.js';
import { findUser, USER_ARGS } from '../model/users/findUser.js';

export const userInfo = method({
	name: 'users.info',
	args: USER_ARGS,
	...READ_DEFAULTS,
	summary: 'Returns a user; all visible fields only to the user and to callers with view-full-other-user-info',
	returns: { user: UserAnswer },
	errors: ['error-user-param-not-provided', 'User not found.'],
	async run(userArgs, context) {
		const { store, userId } = context;
		const found = await findUser(context, userArgs, { _id: 1 });
		if (!found) throw clientError('noSuchUser');
		const seesAll = found._id === userId || (await hasPermissionById(store, userId, 'view-full-other-user-info'));
		const user = await store.users.findOne({ _id: found._id }, { projection: clientUserFields(seesAll) });
		if (!user) throw clientError('noSuchUser');
		return { user: { ...user, canViewAllInfo: seesAll } };
	},
});
