/**
 * Presence streams without events: Roomkey does not track presence, but stock clients subscribe and some wait for
 * `ready` (`test/contract/rocketchat-e2e.md` 10.2).
 */
import { publication } from '../../shared/publication.js';

/** Its event name is empty, which no other stream allows; its options name users. */
export const userPresence = publication({
	name: 'stream-user-presence',
	args: {},
	summary: 'Changes of user presence: no events, because Roomkey does not track presence',
	anonymous: true,
	documents: {},
	run: (_args, context) => context.ready(),
});

export const activeUsers = publication({
	name: 'activeUsers',
	args: {},
	summary: 'Users who are online: always empty, because Roomkey does not track presence',
	anonymous: true,
	documents: {},
	run: (_args, context) => context.ready(),
});
