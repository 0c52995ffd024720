/** `users.info`: a user, as far as the caller may see. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { READS } from '../limits.js';
import { mayUser } from '../model/permissions/permissions.js';
import { clientUserFields } from '../model/users/clientUser.js';
import { findUser, Whom } from '../model/users/findUser.js';

export const userInfo = method({
	name: 'users.info',
	args: Whom,
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: 'Returns a user; all of it to themselves and to those who may view-full-other-user-info',
	async run(whom, context) {
		const { store, userId } = context;
		const found = await findUser(context, whom, { _id: 1 });
		if (!found) throw clientError('noSuchUser');
		const full = found._id === userId || (await mayUser(store, userId, 'view-full-other-user-info'));
		const user = await store.users.findOne({ _id: found._id }, { projection: clientUserFields(full) });
		if (!user) throw clientError('noSuchUser');
		return { user: { ...user, canViewAllInfo: full } };
	},
});
