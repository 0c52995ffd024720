/**
 * Who is online: Roomkey does not know. Stock clients subscribe to it all the same, and some wait for `ready` for ever
 * (10.2).
 */
import { publication } from '../../shared/publication.js';

/** Its event name is empty, which no other stream allows; its options name users. */
export const userPresence = publication({
	name: 'stream-user-presence',
	args: {},
	summary: 'Changes of the presence of users: none, as Roomkey does not know who is online',
	anonymous: true,
	run: (_args, context) => context.ready(),
});

export const activeUsers = publication({
	name: 'activeUsers',
	args: {},
	summary: 'Users who are online: none, as Roomkey does not know who is',
	anonymous: true,
	run: (_args, context) => context.ready(),
});
