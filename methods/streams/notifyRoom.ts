import { Match } from '../../shared/match.js';
import { stream } from '../../shared/stream.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** `<rid>/e2e.keyRequest`: for those who may see the room (`test/contract/rocketchat-e2e.md` 10.2). */
export const notifyRoom = stream({
	name: 'notify-room',
	summary: 'Events of a room: a member asks for its key',
	events: [
		{
			name: '<rid>/e2e.keyRequest',
			summary: 'A member waits for the key of the room',
			args: { keyId: Match.Optional(Match.OneOf(String, null)) },
		},
		{
			name: '<rid>/e2e.noKeyHolder',
			summary: 'This user was the last holder of the key, and gave it up',
			args: { userId: String },
		},
	],
	mayRead(eventName, { store, userId }) {
		const [rid = '', name] = eventName.split('/');
		return name !== undefined && maySeeRoom(store, rid, userId);
	},
	roomOf: (eventName) => eventName.split('/', 1)[0] as string,
});
