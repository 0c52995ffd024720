/** `userData` (`test/contract/rocketchat-e2e.md` 10.2): Rocket.Chat's clients wait for it after a login. */
import { liveQuery, publication } from '../../shared/publication.js';
import { UserProfile } from '../model/answers.js';
import { PROFILE_FIELDS } from './me.js';

export const userData = publication({
	name: 'userData',
	args: {},
	summary: "The caller's own profile, kept up to date; nothing for callers who are not logged in",
	anonymous: true,
	documents: { users: UserProfile },
	run(_args, context) {
		if (context.userId !== null) return liveQuery('users', { _id: context.userId }, PROFILE_FIELDS);
		context.ready();
	},
});
