/** The rules by which a user may see a room (`test/contract/rocketchat-e2e.md` section 3). */
import type { Room, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { hasPermission } from '../permissions/permissions.js';

/**
 * Maximum number of parent rooms that are checked for a discussion. It also ends the check if rooms are parents of each
 * other.
 */
const MAX_PARENTS = 10;

/** The `type` of a public team. */
const PUBLIC_TEAM = 0;

type Viewer = Pick<User, '_id' | 'roles'>;

async function maySeeTeamRooms(store: Store, teamId: string, user: Viewer): Promise<boolean> {
	const team = await store.teams.findOne({ _id: teamId });
	if (team?.type === PUBLIC_TEAM && (await hasPermission(store, user, 'view-c-room'))) return true;
	return (await store.teamMembers.findOne({ teamId, userId: user._id })) !== null;
}

async function maySeeAsMember(store: Store, room: Room, user: Viewer): Promise<boolean> {
	const membership = await store.subscriptions.findOne(
		{ rid: room._id, 'u._id': user._id },
		{ projection: { status: 1 } },
	);
	if (!membership || membership.status === 'INVITED') return false;
	return (
		(await hasPermission(store, user, `view-${room.t}-room`)) || (await hasPermission(store, user, 'view-joined-room'))
	);
}

/** Whether one of the rules of `test/contract/rocketchat-e2e.md` 3.1 grants access. */
async function maySee(store: Store, room: Room, user: Viewer, parentsLeft: number): Promise<boolean> {
	if (room.t === 'c') {
		const visible = room.teamId
			? await maySeeTeamRooms(store, room.teamId, user)
			: await hasPermission(store, user, 'view-c-room');
		if (visible) return true;
	}
	if (await maySeeAsMember(store, room, user)) return true;
	if (room.prid && parentsLeft > 0) {
		const parent = await store.rooms.findOne({ _id: room.prid });
		if (parent && (await maySee(store, parent, user, parentsLeft - 1))) return true;
	}
	// `l` is a livechat room, `v` a VoIP room.
	if (room.t === 'l' || room.t === 'v') {
		if (room.servedBy?._id === user._id) return true;
		return room.t === 'l' && hasPermission(store, user, 'view-livechat-rooms');
	}
	return false;
}

/**
 * Returns the room, if the user may see it (`test/contract/rocketchat-e2e.md` 3.2). As in earlier Rocket.Chat releases,
 * the error for a missing room or user names the method `canAccessRoom`.
 * @throws ClientError `error-invalid-room` if the room does not exist or the user may not see it; `error-invalid-user`
 * if there is no such user
 */
export async function requireRoomAccess(store: Store, rid: string, userId: string): Promise<Room> {
	const room = rid === '' ? null : await store.rooms.findOne({ _id: rid });
	if (!room) throw clientError('invalidRoom', { method: 'canAccessRoom' });
	const user = await store.users.findOne({ _id: userId }, { projection: { roles: 1 } });
	if (!user) throw clientError('invalidUser', { method: 'canAccessRoom' });
	if (!(await maySee(store, room, user, MAX_PARENTS))) throw clientError('invalidRoom');
	return room;
}

/** Whether the room exists and the user may see it. */
export async function maySeeRoom(store: Store, rid: string, userId: string | null): Promise<boolean> {
	if (userId === null || rid === '') return false;
	const room = await store.rooms.findOne({ _id: rid });
	return room !== null && isRoomVisible(store, room, userId);
}

/** As `maySeeRoom`, for a room that the caller has read already. */
export async function isRoomVisible(store: Store, room: Room, userId: string): Promise<boolean> {
	const user = await store.users.findOne({ _id: userId }, { projection: { roles: 1 } });
	return user !== null && maySee(store, room, user, MAX_PARENTS);
}
