/** `users.setActiveStatus`: activates or deactivates a user. */
import { clientError } from '../../shared/errors.js';
import { Match, NonEmptyString } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { LONG_WORK_MS } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER, UserAnswer } from '../model/answers.js';
import { changeActive } from '../model/lifecycle/changeActive.js';
import { requireHandOverConfirmation } from '../model/lifecycle/handOverRooms.js';
import { requirePermission } from '../model/permissions/permissions.js';
import { requireNotLastAdmin } from '../model/users/admins.js';

export const setActiveStatus = method({
	name: 'users.setActiveStatus',
	audit: true,
	args: {
		activeStatus: Boolean,
		userId: NonEmptyString,
		/**
		 * True: rooms of which the user is the only owner get a new owner. Otherwise such a user is not deactivated.
		 */
		confirmRelinquish: Match.Optional(Boolean),
	},
	...WRITE_DEFAULTS,
	timeout: LONG_WORK_MS,
	summary: 'Activates or deactivates a user; requires edit-other-user-active-status',
	returns: { user: UserAnswer, ...LAST_KEY_HOLDER_ANSWER },
	errors: ['error-unauthorized', 'user-last-owner', 'error-action-not-allowed'],
	async run({ activeStatus, userId, confirmRelinquish }, context) {
		const { store } = context;
		await requirePermission(context, 'edit-other-user-active-status');
		context.audit({ activeStatus });
		const user = await store.users.findOne({ _id: userId }, { projection: { roles: 1, active: 1 } });
		if (!user) throw clientError('userNotFound');
		let ridsToHandOver: readonly string[] = [];
		if (!activeStatus) {
			const handOverOptions = { isLeaving: false, confirmed: confirmRelinquish };
			ridsToHandOver = await requireHandOverConfirmation(store, userId, handOverOptions);
			await requireNotLastAdmin(store, user);
		}
		const lastHolderAnswer = await changeActive(context, user, activeStatus, ridsToHandOver);
		return { user: { _id: userId, active: activeStatus }, ...lastHolderAnswer };
	},
});
