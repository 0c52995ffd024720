/**
 * Finds the room that the arguments of a call name, and defines methods that exist both for channels and for private
 * groups.
 */
import type { Room, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { Method, UserContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { Text } from '../../../shared/text.js';
import { hasPermission } from '../permissions/permissions.js';
import { isRoomVisible } from './access.js';
import { type ClientRoom, clientRoom } from './clientRoom.js';

export interface ChannelOrGroup {
	/** The room type, as stored. */
	readonly t: 'c' | 'p';
	/** Prefix of the method names. */
	readonly plural: 'channels' | 'groups';
	/** Name of the field that contains the room in answers. */
	readonly single: 'channel' | 'group';
}

export const CHANNELS: ChannelOrGroup = { t: 'c', plural: 'channels', single: 'channel' };
export const GROUPS: ChannelOrGroup = { t: 'p', plural: 'groups', single: 'group' };

export function forChannelsAndGroups(define: (kind: ChannelOrGroup) => Method): Method[] {
	return [define(CHANNELS), define(GROUPS)];
}

/** In characters. The texts of a room are sent to every member with every change of the room. */
const MAX_TEXT_LENGTH = 10_000;

/** Pattern of a topic, a description or an announcement. */
export const RoomText = Text({ max: MAX_TEXT_LENGTH });

/** The arguments that identify a room. One is required; if both are given, `roomId` counts. */
export const ROOM_ARGS = { roomId: Match.Optional(String), roomName: Match.Optional(String) } as const;

/** The error codes of `findRoom`. */
export const ROOM_ARGS_ERRORS = ['error-roomid-param-not-provided', 'error-room-not-found'] as const;

export type RoomArgs = { roomId?: string | undefined; roomName?: string | undefined };
type Context = Pick<UserContext, 'store' | 'userId'>;

/**
 * Reads the names and roles of the caller.
 * @throws ClientError `error-invalid-user` if the user does not exist any more
 */
export async function findCaller({
	store,
	userId,
}: Context): Promise<Pick<User, '_id' | 'username' | 'name' | 'roles'>> {
	const caller = await store.users.findOne({ _id: userId }, { projection: { username: 1, name: 1, roles: 1 } });
	if (!caller) throw clientError('invalidUser');
	return caller;
}

/**
 * Finds a room that the caller may see. Other callers get the same error as for a missing room. The audit event of the
 * call gets the room's id.
 * @param kind the room must be of this type; of any type if it is left out
 * @param permission a global role with this permission lets the caller find every room
 * @throws ClientError `error-roomid-param-not-provided` without an id and a name; `error-room-not-found`
 */
export async function findRoom(
	context: Context & Pick<UserContext, 'audit'>,
	{ roomId, roomName }: RoomArgs,
	kind?: ChannelOrGroup,
	permission?: string,
): Promise<Room> {
	const { store, userId } = context;
	if (!roomId && !roomName) throw clientError('roomParamNotProvided');
	const room = await store.rooms.findOne(roomId ? { _id: roomId } : { name: roomName as string });
	if (!room || (kind && room.t !== kind.t)) throw clientError('roomNotFound');
	context.audit({ roomId: room._id });
	if (await isRoomVisible(store, room, userId)) return room;
	const caller = permission && (await store.users.findOne({ _id: userId }, { projection: { roles: 1 } }));
	if (caller && (await hasPermission(store, caller, permission))) return room;
	throw clientError('roomNotFound');
}

export async function roomAnswer(
	store: Store,
	{ single }: ChannelOrGroup,
	rid: string,
): Promise<Record<string, ClientRoom>> {
	const room = await store.rooms.findOne({ _id: rid });
	if (!room) throw clientError('roomNotFound');
	return { [single]: await clientRoom(store, room) };
}
