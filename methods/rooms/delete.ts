/** `channels.delete`, `groups.delete`, `im.delete`: deletes a room. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, Nothing } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import { LONG_WORK_MS } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { completeDeletion, deleteRoom } from '../model/lifecycle/deleteRoom.js';
import { directRoomId } from '../model/lifecycle/directRoom.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import {
	type ChannelOrGroup,
	findCaller,
	findRoom,
	forChannelsAndGroups,
	ROOM_ARGS,
	ROOM_ARGS_ERRORS,
	type RoomArgs,
} from '../model/rooms/findRoom.js';
import { findByName } from '../model/users/findUser.js';

/**
 * Deletes the room of type `t` that the arguments identify, if the caller may.
 * @param kind absent for direct rooms
 */
async function deleteIfAllowed(
	context: UserContext,
	roomArgs: RoomArgs,
	t: Room['t'],
	kind?: ChannelOrGroup,
): Promise<void> {
	const { store, userId } = context;
	if (await completeDeletion(context, roomArgs.roomId)) return;
	const permission = `delete-${t}`;
	const room = await findRoom(context, roomArgs, kind, permission);
	if (room.t !== t) throw clientError('roomNotFound');
	const mayDelete = !room.teamMain && (await hasRoomPermission(store, await findCaller(context), permission, room._id));
	if (!mayDelete) throw clientError('errorNotAllowed');
	await deleteRoom(context, room, userId);
}

/** Callers with a global role that may delete rooms, such as admins, need not be members. */
export const deleteMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.delete`,
		audit: true,
		args: ROOM_ARGS,
		...WRITE_DEFAULTS,
		once: true,
		timeout: LONG_WORK_MS,
		summary: `Deletes a ${kind.single}, with the memberships and keys`,
		returns: Nothing,
		errors: [...ROOM_ARGS_ERRORS, 'error-not-allowed'],
		run: (roomArgs, context) => deleteIfAllowed(context, roomArgs, kind.t, kind),
	}),
);

/** The id of the caller's direct room with another user. The room need not exist. */
async function directRoomIdWith({ store, userId }: UserContext, username: string): Promise<string> {
	const other = await findByName(store, 'username', username, { _id: 1 });
	if (!other) throw clientError('roomNotFound');
	return directRoomId([userId, other._id].sort());
}

/** `username` stands for the direct room of the caller with that user. `dm.delete` is an alias of `im.delete`. */
export const deleteDirectRoomMethods = ['im.delete', 'dm.delete'].map((name) =>
	method({
		name,
		audit: true,
		args: { roomId: Match.Optional(String), username: Match.Optional(String) },
		...WRITE_DEFAULTS,
		once: true,
		timeout: LONG_WORK_MS,
		summary: 'Deletes a direct room, with the memberships and keys',
		returns: Nothing,
		errors: [...ROOM_ARGS_ERRORS, 'error-not-allowed'],
		async run({ roomId, username }, context) {
			const id = !roomId && username ? await directRoomIdWith(context, username) : roomId;
			return deleteIfAllowed(context, { roomId: id }, 'd');
		},
	}),
);
