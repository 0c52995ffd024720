/** Channels and private groups: the same methods under two names, for the two types of room that have a name. */
import type { Room, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { Method, MethodContext } from '../../../shared/method.js';
import { hasPermission } from '../permissions/permissions.js';
import { maySeeRoom } from './access.js';
import { type ClientRoom, clientRoom } from './clientRoom.js';

export interface Kind {
	readonly t: 'c' | 'p';
	/** What names of methods begin with. */
	readonly plural: 'channels' | 'groups';
	/** Under which name answers hold the room. */
	readonly single: 'channel' | 'group';
}

export const CHANNELS: Kind = { t: 'c', plural: 'channels', single: 'channel' };
export const GROUPS: Kind = { t: 'p', plural: 'groups', single: 'group' };

/** Makes a method for each of both. */
export function forBoth(define: (kind: Kind) => Method): Method[] {
	return [define(CHANNELS), define(GROUPS)];
}

/** Most characters of what a room says of itself: every member is sent it again with every change of the room. */
const MAX_TEXT_LENGTH = 10_000;

/** A topic, a description, an announcement. */
export const RoomText = Match.Where(
	(text): text is string => typeof text === 'string' && text.length <= MAX_TEXT_LENGTH,
);

/** The arguments that name a room; one of them must be there, the id counts first. */
export const WHICH_ROOM = { roomId: Match.Optional(String), roomName: Match.Optional(String) } as const;

type WhichRoom = { roomId?: string | undefined; roomName?: string | undefined };
type Asking = Pick<MethodContext, 'store' | 'name'> & { readonly userId: string };

/** The fields of the caller that rules depend on. @throws ClientError `error-invalid-user` where they are gone */
export async function findCaller({
	store,
	name,
	userId,
}: Asking): Promise<Pick<User, '_id' | 'username' | 'name' | 'roles'>> {
	const caller = await store.users.findOne({ _id: userId }, { projection: { username: 1, name: 1, roles: 1 } });
	if (!caller) throw clientError('invalidUser', { method: name });
	return caller;
}

/**
 * Finds the room that arguments name, if the caller may see it. Callers who may not are refused as if
 * it did not exist.
 * @param kind of this type; without it, of any
 * @param permission callers who hold it by a global role need not see the room
 * @throws ClientError `error-roomid-param-not-provided`, `error-room-not-found`
 */
export async function findRoom(
	{ store, name, userId }: Asking,
	{ roomId, roomName }: WhichRoom,
	kind?: Kind,
	permission?: string,
): Promise<Room> {
	if (!roomId && !roomName) throw clientError('roomParamMissing', { method: name });
	const room = await store.rooms.findOne(roomId ? { _id: roomId } : { name: roomName as string });
	if (room && (!kind || room.t === kind.t)) {
		if (await maySeeRoom(store, room._id, userId)) return room;
		const caller = permission && (await store.users.findOne({ _id: userId }, { projection: { roles: 1 } }));
		if (caller && (await hasPermission(store, caller, permission))) return room;
	}
	throw clientError('roomNotFound', { method: name });
}

/** An answer that holds a room as it is now. */
export async function roomAnswer(
	{ store, name }: Pick<MethodContext, 'store' | 'name'>,
	{ single }: Kind,
	rid: string,
): Promise<Record<string, ClientRoom>> {
	const room = await store.rooms.findOne({ _id: rid });
	if (!room) throw clientError('roomNotFound', { method: name });
	return { [single]: await clientRoom(store, room) };
}
