/** `stream-notify-room-users`: a member asks all others for the key of their room (10.2, 10.3). */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { KEY_CALLS, MAX_KEY_ID_LENGTH } from '../model/keys/limits.js';
import { findPlace } from '../model/keys/memberKeys.js';
import { MEMBER, membershipsOf } from '../model/memberships/members.js';

/** Rocket.Chat relays any name, and so lets a member forge `force_logout`. Here this one passes and no other. */
const RELAYED = 'e2ekeyRequest';

export const notifyRoomUsers = stream({
	name: 'notify-room-users',
	summary: 'Only written: what is written reaches the other members by notify-user',
	mayRead: () => false,
});

export const writeNotifyRoomUsers = method({
	name: 'stream-notify-room-users',
	// Whatever is none of its kind is refused in the same words: a stream knows no types.
	args: { eventName: Match.Any, rid: Match.Any, keyId: Match.Any },
	// Each call reaches all members of a room.
	limit: KEY_CALLS,
	summary: "Asks the other members of a room for its key: ('<rid>/e2ekeyRequest', rid, keyId)",
	async run({ eventName, rid, keyId }, { userId, store, events }) {
		if (typeof rid !== 'string' || typeof keyId !== 'string') throw clientError('notAllowed');
		if (eventName !== `${rid}/${RELAYED}` || keyId.length > MAX_KEY_ID_LENGTH) throw clientError('notAllowed');
		if (!(await findPlace(store, rid, userId))) throw clientError('notAllowed');
		for await (const page of membershipsOf(store, rid, { 'u._id': { $ne: userId }, ...MEMBER }, { 'u._id': 1 })) {
			for (const { u } of page) {
				events.emit('notify', { stream: 'notify-user', eventName: `${u._id}/${RELAYED}`, args: [rid, keyId] });
			}
		}
	},
});
