/** `stream-notify-room-users`: a member asks all others for the key of their room (`test/contract/rocketchat-e2e.md` 10.2, 10.3). */
import { clientError } from '../../shared/errors.js';
import { Match, Nothing, shownAs } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { KEY_CALLS } from '../limits.js';
import { MAX_KEY_ID_LENGTH } from '../model/keys/sealedKey.js';
import { findMembership, MEMBER, userIdsOfMemberships } from '../model/memberships/members.js';

/** The only event that is relayed. In Rocket.Chat, which relays every event, a member can forge `force_logout`. */
const RELAYED_EVENT = 'e2ekeyRequest';

export const notifyRoomUsers = stream({
	name: 'notify-room-users',
	summary: 'Write-only: the other members receive what a member writes as events of notify-user',
	events: [],
	mayRead: () => false,
});

export const writeNotifyRoomUsers = method({
	name: 'stream-notify-room-users',
	// Any value is accepted here, because `run` answers all invalid arguments with the same error.
	args: { eventName: shownAs(Match.Any, String), rid: shownAs(Match.Any, String), keyId: shownAs(Match.Any, String) },
	// Each call reaches all members of a room.
	limit: KEY_CALLS,
	summary: "Asks the other members of a room for its key: ('<rid>/e2ekeyRequest', rid, keyId)",
	returns: Nothing,
	errors: ['not-allowed'],
	async run({ eventName, rid, keyId }, { userId, store, events }) {
		if (typeof rid !== 'string' || typeof keyId !== 'string') throw clientError('notAllowed');
		if (eventName !== `${rid}/${RELAYED_EVENT}` || keyId.length > MAX_KEY_ID_LENGTH) throw clientError('notAllowed');
		if (!(await findMembership(store, rid, userId))) throw clientError('notAllowed');
		for await (const page of userIdsOfMemberships(store, rid, { 'u._id': { $ne: userId }, ...MEMBER })) {
			for (const uid of page)
				events.emit('notify', { stream: 'notify-user', eventName: `${uid}/${RELAYED_EVENT}`, args: [rid, keyId] });
		}
	},
});
