/**
 * Publications without documents, because Roomkey does not track presence. Some of Rocket.Chat's clients wait for their
 * `ready` (`test/contract/rocketchat-e2e.md` 10.2).
 */
import { emptyPublication } from '../model/emptyPublication.js';

/** Not a `stream`, because clients subscribe with an empty event name, which streams do not allow. */
export const userPresence = emptyPublication(
	'stream-user-presence',
	'Changes of user presence: no events, because Roomkey does not track presence',
);

export const activeUsers = emptyPublication(
	'activeUsers',
	'Users who are online: always empty, because Roomkey does not track presence',
);
