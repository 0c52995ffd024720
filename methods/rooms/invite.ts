/** `channels.invite`, `groups.invite`, `channels.join`: adds members to an existing room. */
import type { Room, User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { RoomAnswer } from '../model/answers.js';
import { addMember } from '../model/lifecycle/addMember.js';
import { isMember } from '../model/memberships/members.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import { hasPermission } from '../model/permissions/permissions.js';
import {
	CHANNELS,
	findCaller,
	findRoom,
	forChannelsAndGroups,
	ROOM_ARGS,
	ROOM_ARGS_ERRORS,
	roomAnswer,
} from '../model/rooms/findRoom.js';
import { throwIfAborted } from '../model/signal.js';
import { findUsersOfCall, USER_LIST_ARGS } from '../model/users/findUsersOfCall.js';

/**
 * Refuses archived rooms, and rooms whose members are managed by attributes or by other servers.
 * @throws ClientError `error-not-allowed`
 */
function requireMayAddMembers({ abacAttributes, federated, archived }: Room): void {
	if (abacAttributes?.length || federated || archived) throw clientError('errorNotAllowed');
}

async function mayInvite(store: Store, caller: User, { _id: rid, t }: Room): Promise<boolean> {
	if (await hasPermission(store, caller, `add-user-to-any-${t}-room`)) return true;
	return (await isMember(store, rid, caller._id)) && hasRoomPermission(store, caller, 'add-user-to-joined-room', rid);
}

export const inviteMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.invite`,
		args: { ...ROOM_ARGS, ...USER_LIST_ARGS },
		...WRITE_DEFAULTS,
		summary: `Adds users to a ${kind.single}; users who are members already stay members`,
		returns: { [kind.single]: RoomAnswer },
		errors: [...ROOM_ARGS_ERRORS, 'error-not-allowed', 'error-users-params-not-provided', 'error-too-many-users'],
		async run(args, context) {
			const { store } = context;
			const room = await findRoom(context, args, kind, `add-user-to-any-${kind.t}-room`);
			if (!(await mayInvite(store, await findCaller(context), room))) throw clientError('errorNotAllowed');
			requireMayAddMembers(room);
			for (const user of await findUsersOfCall(context, args)) {
				throwIfAborted(context.signal);
				await addMember(context, room, user);
			}
			return roomAnswer(store, kind, room._id);
		},
	}),
);

export const joinChannel = method({
	name: 'channels.join',
	args: ROOM_ARGS,
	...WRITE_DEFAULTS,
	summary: 'Makes the caller a member of a channel they may see',
	returns: { channel: RoomAnswer },
	errors: [...ROOM_ARGS_ERRORS, 'error-not-allowed', 'error-code-required'],
	async run(roomArgs, context) {
		const { store } = context;
		const room = await findRoom(context, roomArgs, CHANNELS);
		const caller = await findCaller(context);
		requireMayAddMembers(room);
		if (room.joinCodeRequired && !(await hasPermission(store, caller, 'join-without-join-code')))
			throw clientError('codeRequired');
		await addMember(context, room, caller);
		return roomAnswer(store, CHANNELS, room._id);
	},
});
