import { stream } from '../../shared/stream.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** `<rid>`: the messages of a room, for those who may see it (10.2). None ever comes; but stock clients wait to be let in. */
export const roomMessages = stream({
	name: 'room-messages',
	summary: 'What is said in a room: nothing, as Roomkey keeps keys, not messages',
	mayRead: (eventName, { store, userId }) => maySeeRoom(store, eventName, userId),
	roomOf: (eventName) => eventName,
});
