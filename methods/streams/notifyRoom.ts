import { stream } from '../../shared/stream.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** `<rid>/e2e.keyRequest`: for those who may see the room (10.2). */
export const notifyRoom = stream({
	name: 'notify-room',
	summary: 'Events of a room: a member asks for its key',
	mayRead(eventName, { store, userId }) {
		const [rid = '', name] = eventName.split('/');
		return name !== undefined && maySeeRoom(store, rid, userId);
	},
	roomOf: (eventName) => eventName.split('/', 1)[0] as string,
});
