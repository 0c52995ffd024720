import { Match } from '../../shared/match.js';
import { stream } from '../../shared/stream.js';
import { maySeeRoom } from '../model/rooms/access.js';

/** Events of a room, for users who may see it (`test/contract/rocketchat-e2e.md` 10.2). */
export const notifyRoom = stream({
	name: 'notify-room',
	summary: 'Events of a room: a member asks for its key, or the last key holder has lost it',
	events: [
		{
			name: '<rid>/e2e.keyRequest',
			summary: 'A member waits for the key of the room',
			args: { keyId: Match.Optional(Match.OneOf(String, null)) },
		},
		{
			name: '<rid>/e2e.noKeyHolder',
			summary: 'This user was the last holder of the key, and does not hold it any more or is deactivated',
			args: { userId: String },
		},
	],
	mayRead(eventName, { store, userId }) {
		const [rid = '', name] = eventName.split('/');
		return name !== undefined && maySeeRoom(store, rid, userId);
	},
	roomOf: (eventName) => eventName.split('/', 1)[0] as string,
});
