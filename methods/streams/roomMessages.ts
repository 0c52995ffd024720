import { stream } from '../../shared/stream.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** The event name for all rooms of the caller. */
const MY_MESSAGES = '__my_messages__';

/**
 * Rocket.Chat's stream of messages (`test/contract/rocketchat-e2e.md` 10.2). Here it has no events, but clients wait
 * for its `ready`.
 */
export const roomMessages = stream({
	name: 'room-messages',
	summary: 'Messages of a room: no events, because Roomkey stores keys, not messages',
	events: [],
	mayRead: (eventName, { store, userId }) =>
		eventName === MY_MESSAGES ? userId !== null : maySeeRoom(store, eventName, userId),
	roomOf: (eventName) => (eventName === MY_MESSAGES ? undefined : eventName),
});
