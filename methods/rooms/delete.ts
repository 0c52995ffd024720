/** `channels.delete`, `groups.delete`, `im.delete`: deletes a room for all. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { LONG_WORK_MS, WRITES } from '../limits.js';
import { findByName } from '../model/users/findUser.js';
import { hasRoomPermission } from '../permissions.js';
import { directRoomId } from './direct.js';
import { findCaller, findRoom, forBoth, type Kind, WHICH_ROOM } from './kinds.js';
import { removePlacesOfNoRoom, removeRoom } from './remove.js';

type Context = MethodContext & { readonly userId: string };
type Which = { roomId?: string | undefined; roomName?: string | undefined };

/** Whether the caller has a place in a room that is gone: they deleted it, and that was broken off. */
async function isLeftOver({ store, userId }: Context, { roomId }: Which): Promise<boolean> {
	if (!roomId || (await store.rooms.findOne({ _id: roomId }, { projection: { _id: 1 } }))) return false;
	return (await store.subscriptions.findOne({ rid: roomId, 'u._id': userId }, { projection: { _id: 1 } })) !== null;
}

async function deleteRoom(context: Context, which: Which, t: Room['t'], kind?: Kind): Promise<void> {
	const { store, name, userId } = context;
	if (await isLeftOver(context, which)) return removePlacesOfNoRoom(context, which.roomId as string);
	const permission = `delete-${t}`;
	const room = await findRoom(context, which, kind, permission);
	if (room.t !== t) throw clientError('roomNotFound', { method: name });
	const mayDelete = !room.teamMain && (await hasRoomPermission(store, await findCaller(context), permission, room._id));
	if (!mayDelete) throw clientError('actionNotAllowed', { method: name });
	await removeRoom(context, room, userId);
}

/** `POST groups.delete` {roomId | roomName}. Who may delete any room, such as an admin, need not be a member. */
export const deleteMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.delete`,
		args: WHICH_ROOM,
		rest: 'POST',
		once: true,
		limit: WRITES,
		timeout: LONG_WORK_MS,
		summary: `Deletes a ${kind.single}, with the places and keys of its members`,
		run: (which, context) => deleteRoom(context, which, kind.t, kind),
	}),
);

/** The id of the direct room of the caller with somebody, whether it is there or not. */
async function idWith({ store, name, userId }: Context, username: string): Promise<string> {
	const other = await findByName(store, 'username', username, { _id: 1 });
	if (!other) throw clientError('roomNotFound', { method: name });
	return directRoomId([userId, other._id].sort());
}

/** `POST im.delete` {roomId} or {username}: then the room of the caller with that user. `dm.delete` is the same. */
export const deleteDirectRoomMethods = ['im.delete', 'dm.delete'].map((name) =>
	method({
		name,
		args: { roomId: Match.Optional(String), username: Match.Optional(String) },
		rest: 'POST',
		once: true,
		limit: WRITES,
		timeout: LONG_WORK_MS,
		summary: 'Deletes a direct room, with the places and keys of its members',
		async run({ roomId, username }, context) {
			const id = !roomId && username ? await idWith(context, username) : roomId;
			return deleteRoom(context, { roomId: id }, 'd');
		},
	}),
);
