/** `channels.delete`, `groups.delete`, `im.delete`: deletes a room. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match, Nothing } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { LONG_WORK_MS, WRITES } from '../limits.js';
import { deleteOrphanedMemberships, deleteRoom } from '../model/lifecycle/deleteRoom.js';
import { directRoomId } from '../model/lifecycle/directRoom.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import { findCaller, findRoom, forBoth, type Kind, WHICH_ROOM } from '../model/rooms/findRoom.js';
import { findByName } from '../model/users/findUser.js';

type Context = MethodContext & { readonly userId: string };
type Which = { roomId?: string | undefined; roomName?: string | undefined };

/** Whether the caller still has a membership of a deleted room: their deletion of it was interrupted. */
async function isLeftOver({ store, userId }: Context, { roomId }: Which): Promise<boolean> {
	if (!roomId || (await store.rooms.findOne({ _id: roomId }, { projection: { _id: 1 } }))) return false;
	return (await store.subscriptions.findOne({ rid: roomId, 'u._id': userId }, { projection: { _id: 1 } })) !== null;
}

async function deleteIfAllowed(context: Context, which: Which, t: Room['t'], kind?: Kind): Promise<void> {
	const { store, name, userId } = context;
	if (await isLeftOver(context, which)) return deleteOrphanedMemberships(context, which.roomId as string);
	const permission = `delete-${t}`;
	const room = await findRoom(context, which, kind, permission);
	if (room.t !== t) throw clientError('roomNotFound', { method: name });
	const mayDelete = !room.teamMain && (await hasRoomPermission(store, await findCaller(context), permission, room._id));
	if (!mayDelete) throw clientError('actionNotAllowed', { method: name });
	await deleteRoom(context, room, userId);
}

/** `POST groups.delete` {roomId | roomName}. Callers who may delete any room, such as admins, need not be members. */
export const deleteMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.delete`,
		audit: true,
		args: WHICH_ROOM,
		rest: 'POST',
		once: true,
		limit: WRITES,
		timeout: LONG_WORK_MS,
		summary: `Deletes a ${kind.single}, with the memberships and keys`,
		returns: Nothing,
		errors: ['error-roomid-param-not-provided', 'error-room-not-found', 'error-not-allowed'],
		run: (which, context) => deleteIfAllowed(context, which, kind.t, kind),
	}),
);

/** The id of the direct room of the caller with another user, whether it exists or not. */
async function idWith({ store, name, userId }: Context, username: string): Promise<string> {
	const other = await findByName(store, 'username', username, { _id: 1 });
	if (!other) throw clientError('roomNotFound', { method: name });
	return directRoomId([userId, other._id].sort());
}

/**
 * `POST im.delete` {roomId} or {username}: username: the direct room of the caller with that user. `dm.delete` is an
 * alias.
 */
export const deleteDirectRoomMethods = ['im.delete', 'dm.delete'].map((name) =>
	method({
		name,
		audit: true,
		args: { roomId: Match.Optional(String), username: Match.Optional(String) },
		rest: 'POST',
		once: true,
		limit: WRITES,
		timeout: LONG_WORK_MS,
		summary: 'Deletes a direct room, with the memberships and keys',
		returns: Nothing,
		errors: ['error-roomid-param-not-provided', 'error-room-not-found', 'error-not-allowed'],
		async run({ roomId, username }, context) {
			const id = !roomId && username ? await idWith(context, username) : roomId;
			return deleteIfAllowed(context, { roomId: id }, 'd');
		},
	}),
);
