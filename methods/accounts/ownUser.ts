/** The client's own `users` document (`test/contract/ddp.md` 16.4): Meteor's clients wait for it before a login is done. */
import { liveQuery, publication } from '../../shared/publication.js';

/** Never `services` or `e2e`. A constant, so that all clients share one object. */
const FIELDS = { username: 1, emails: 1, profile: 1 } as const;

export const ownUser = publication({
	name: null,
	args: {},
	summary: "The caller's own user document",
	anonymous: true,
	run(_args, { userId }) {
		return userId !== null && liveQuery('users', { _id: userId }, FIELDS);
	},
});
