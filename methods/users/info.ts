/** `users.info`: what there is to know of somebody. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { READS } from '../limits.js';
import { findUser, Whom } from '../model/users/findUser.js';
import { mayUser } from '../permissions.js';
import { shownFields } from './shown.js';

export const userInfo = method({
	name: 'users.info',
	args: Whom,
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: 'Tells who somebody is; all of it to themselves and to those who may view-full-other-user-info',
	async run(whom, context) {
		const { store, userId } = context;
		const found = await findUser(context, whom, { _id: 1 });
		if (!found) throw clientError('noSuchUser');
		const full = found._id === userId || (await mayUser(store, userId, 'view-full-other-user-info'));
		const user = await store.users.findOne({ _id: found._id }, { projection: shownFields(full) });
		if (!user) throw clientError('noSuchUser');
		return { user: { ...user, canViewAllInfo: full } };
	},
});
