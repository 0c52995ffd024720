/**
 * Presence streams without events: Roomkey does not track presence, but stock clients subscribe and some wait for
 * `ready` (`test/contract/rocketchat-e2e.md` 10.2).
 */
import { emptyPublication } from '../model/emptyPublication.js';

/** Its event name is empty, which no other stream allows; its options name users. */
export const userPresence = emptyPublication(
	'stream-user-presence',
	'Changes of user presence: no events, because Roomkey does not track presence',
);

export const activeUsers = emptyPublication(
	'activeUsers',
	'Users who are online: always empty, because Roomkey does not track presence',
);
