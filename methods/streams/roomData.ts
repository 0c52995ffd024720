import { stream } from '../../shared/stream.js';
import { RoomAnswer } from '../model/answers.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** A room after each change, for users who may see it (`test/contract/rocketchat-e2e.md` 10.2). */
export const roomData = stream({
	name: 'room-data',
	summary: 'A room as it is after each change',
	events: [{ name: '<rid>', summary: 'The room has changed', args: { room: RoomAnswer } }],
	mayRead: (eventName, { store, userId }) => maySeeRoom(store, eventName, userId),
	roomOf: (eventName) => eventName,
});
