/**
 * `rooms.adminRooms`, `rooms.adminRooms.getRoom`, `rooms.adminRooms.members`: all rooms of the server, for admins. The
 * first two have Rocket.Chat's names and answers.
 */
import type { Room, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { escapeRegExp } from '../../shared/escapeRegExp.js';
import { Match } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { PAGE_ANSWER, RoomAnswer } from '../model/answers.js';
import { MEMBER } from '../model/memberships/members.js';
import { Page, pageAnswer, pageRange } from '../model/paging.js';
import { requirePermission } from '../model/permissions/permissions.js';
import { ADMIN_ROOM_FIELDS, clientRoom, clientRooms } from '../model/rooms/clientRoom.js';
import { SearchText } from '../model/searchText.js';

const PERMISSION = 'view-room-administration';

/**
 * Finds any room, without its last message.
 * @throws ClientError `error-unauthorized`; `error-room-not-found`
 */
async function findRoomAsAdmin(context: UserContext, rid: string): Promise<Room> {
	await requirePermission(context, PERMISSION);
	const room = await context.store.rooms.findOne({ _id: rid }, { projection: ADMIN_ROOM_FIELDS });
	if (!room) throw clientError('noRoomWithId');
	return room;
}

export const adminRooms = method({
	name: 'rooms.adminRooms',
	/** `filter`: a text in the room's name or in a user name of a direct room, or the room's id. */
	args: { ...Page, filter: Match.Optional(SearchText) },
	...READ_DEFAULTS,
	summary: 'Lists all rooms, sorted by name; requires view-room-administration',
	returns: { rooms: [RoomAnswer], ...PAGE_ANSWER },
	errors: ['error-unauthorized'],
	async run({ filter, ...args }, context) {
		await requirePermission(context, PERMISSION);
		const { store } = context;
		const { count, offset } = pageRange(args);
		const pattern = new RegExp(escapeRegExp(filter ?? ''), 'i');
		const matching: Filter<Room> = filter
			? { $or: [{ name: pattern }, { fname: pattern }, { usernames: pattern }, { _id: filter }] }
			: {};
		const options = { projection: ADMIN_ROOM_FIELDS, sort: { name: 1, _id: 1 }, skip: offset, limit: count } as const;
		const entries = await clientRooms(store, await store.rooms.find(matching, options).toArray());
		return pageAnswer('rooms', { entries, offset, total: await store.rooms.countDocuments(matching) });
	},
});

export const adminRoom = method({
	name: 'rooms.adminRooms.getRoom',
	args: { rid: String },
	...READ_DEFAULTS,
	summary: 'Returns any room; requires view-room-administration',
	returns: RoomAnswer,
	errors: ['error-unauthorized', 'error-room-not-found'],
	run: async ({ rid }, context) => clientRoom(context.store, await findRoomAsAdmin(context, rid)),
});

const MEMBER_FIELDS = { u: 1, roles: 1, E2EKey: 1, E2ESuggestedKey: 1 } as const;

function keyStateOf({ E2EKey, E2ESuggestedKey }: Subscription): 'held' | 'offered' | 'none' {
	if (E2EKey) return 'held';
	return E2ESuggestedKey ? 'offered' : 'none';
}

export const adminRoomMembers = method({
	name: 'rooms.adminRooms.members',
	args: { rid: String, ...Page },
	...READ_DEFAULTS,
	summary:
		'Lists the members of any room, sorted by user name, with their roles in it; requires view-room-administration',
	returns: {
		members: [
			{
				_id: String,
				username: Match.Optional(String),
				roles: [String],
				/** Whether the member has a key of the room, has only an offer, or has neither. */
				key: Match.OneOf('held', 'offered', 'none'),
			},
		],
		...PAGE_ANSWER,
	},
	errors: ['error-unauthorized', 'error-room-not-found'],
	async run({ rid, ...args }, context) {
		await findRoomAsAdmin(context, rid);
		const { store } = context;
		const { count, offset } = pageRange(args);
		const whereMember = { rid, ...MEMBER };
		const sort = { 'u.username': 1, _id: 1 } as const;
		const options = { projection: MEMBER_FIELDS, sort, skip: offset, limit: count } as const;
		const memberships = await store.subscriptions.find(whereMember, options).toArray();
		const entries = memberships.map((membership) => {
			const { u, roles = [] } = membership;
			const username = u.username !== undefined && { username: u.username };
			return { _id: u._id, ...username, roles, key: keyStateOf(membership) };
		});
		return pageAnswer('members', { entries, offset, total: await store.subscriptions.countDocuments(whereMember) });
	},
});
