/** `channels.create`, `groups.create`: a room with a name, and its first members. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { RoomAnswer } from '../model/answers.js';
import { CustomFields } from '../model/customFields.js';
import { createRoom } from '../model/lifecycle/createRoom.js';
import { encryptionOfNewRoom } from '../model/lifecycle/roomEncryption.js';
import { hasPermission } from '../model/permissions/permissions.js';
import {
	type ChannelOrGroup,
	findCaller,
	forChannelsAndGroups,
	RoomText,
	roomAnswer,
} from '../model/rooms/findRoom.js';
import { requireRoomName } from '../model/rooms/rename.js';
import { findByUsernames } from '../model/users/findUser.js';
import { refuseTooManyUsers } from '../model/users/findUsersOfCall.js';

const EXTRA = Match.Optional({
	encrypted: Match.Optional(Boolean),
	topic: Match.Optional(RoomText),
	description: Match.Optional(RoomText),
	broadcast: Match.Optional(Boolean),
	teamId: Match.Maybe(String),
	federated: Match.Maybe(Boolean),
});

export const createMethods = forChannelsAndGroups((kind: ChannelOrGroup) =>
	method({
		name: `${kind.plural}.create`,
		args: {
			name: String,
			/** User names. */
			members: Match.Optional([String]),
			readOnly: Match.Optional(Boolean),
			customFields: Match.Optional(CustomFields),
			extraData: EXTRA,
			/** Only false is accepted, because the caller is always a member. */
			excludeSelf: Match.Optional(false),
		},
		...WRITE_DEFAULTS,
		once: true,
		summary: `Makes a ${kind.single} with the caller as its owner${kind.t === 'c' ? '; a channel cannot be encrypted' : ''}`,
		returns: { [kind.single]: RoomAnswer },
		errors: [
			'error-not-allowed',
			'error-action-not-allowed',
			'error-invalid-room-name',
			'error-duplicate-channel-name',
			'error-room-not-found',
			'error-encrypted-private-rooms-enforced',
			'error-too-many-users',
		],
		async run({ name: roomName, members = [], readOnly = false, customFields, extraData = {} }, context) {
			const { store } = context;
			const caller = await findCaller(context);
			if (!(await hasPermission(store, caller, `create-${kind.t}`))) throw clientError('errorNotAllowed');
			// Roomkey supports neither teams nor federation.
			if (extraData.teamId || extraData.federated) throw clientError('errorNotAllowed');
			requireRoomName(roomName);
			refuseTooManyUsers(members);
			const encrypted = await encryptionOfNewRoom(store, kind.t, extraData.encrypted);
			const { topic, description, broadcast } = extraData;
			const found = await findByUsernames(context, members, { username: 1, name: 1, active: 1 });
			const others = [...found.values()].filter(({ _id, active }) => _id !== caller._id && active !== false);
			// Two of the names may find the same user.
			const othersById = new Map(others.map((user) => [user._id, user]));
			const fields = { t: kind.t, name: roomName, ro: readOnly };
			const optional = { encrypted, customFields, topic, description, broadcast };
			const sent = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
			const room = await createRoom(context, { ...fields, ...sent }, caller, [...othersById.values()]);
			return roomAnswer(store, kind, room._id);
		},
	}),
);
