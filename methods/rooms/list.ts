/** `channels.list`, `channels.list.joined`, `groups.list`: paginated lists of rooms, sorted by name. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method, type UserContext } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { PAGE_ANSWER, RoomAnswer } from '../model/answers.js';
import { MEMBER } from '../model/memberships/members.js';
import { pagesOf } from '../model/pages.js';
import { type ListPage, Page, type PageArgs, pageAnswer, pageRange } from '../model/paging.js';
import { hasPermission } from '../model/permissions/permissions.js';
import { CLIENT_ROOM_FIELDS, clientRooms } from '../model/rooms/clientRoom.js';
import { CHANNELS, type ChannelOrGroup, findCaller, GROUPS } from '../model/rooms/findRoom.js';

type Context = Pick<UserContext, 'store' | 'signal' | 'userId'>;

async function listAnswer(
	{ store }: Context,
	{ plural }: ChannelOrGroup,
	page: ListPage<Room>,
): Promise<Record<string, unknown>> {
	return pageAnswer(plural, { ...page, entries: await clientRooms(store, page.entries) });
}

async function ownRooms({ store, userId }: Context, { t }: ChannelOrGroup, args: PageArgs): Promise<ListPage<Room>> {
	const { count, offset } = pageRange(args);
	const whereOwn = { 'u._id': userId, t, ...MEMBER };
	const options = { projection: { rid: 1 }, sort: { name: 1, _id: 1 }, skip: offset, limit: count } as const;
	const memberships = await store.subscriptions.find(whereOwn, options).toArray();
	const rids = memberships.map(({ rid }) => rid);
	const found = await store.rooms.find({ _id: { $in: rids }, t }, { projection: CLIENT_ROOM_FIELDS }).toArray();
	const byId = new Map(found.map((room) => [room._id, room]));
	const entries = rids.flatMap((rid) => byId.get(rid) ?? []);
	return { entries, offset, total: await store.subscriptions.countDocuments(whereOwn) };
}

/** Lists show a team channel only to its members and to users who are invited. */
async function ownTeamChannels({ store, userId, signal }: Context): Promise<string[]> {
	const rids: string[] = [];
	const whereOfTeam = { t: 'c', teamId: { $exists: true } } as const;
	for await (const page of pagesOf(store.rooms, whereOfTeam, { projection: { _id: 1 }, size: 200, signal })) {
		const whereOwnInPage = { 'u._id': userId, rid: { $in: page.map(({ _id }) => _id) } };
		for await (const { rid } of store.subscriptions.find(whereOwnInPage, { projection: { rid: 1 } })) rids.push(rid);
	}
	return rids;
}

async function allChannels(context: Context, args: PageArgs & { _id?: string }): Promise<ListPage<Room>> {
	const { store } = context;
	const { count, offset } = pageRange(args);
	const teamChannels = await ownTeamChannels(context);
	const channels: Filter<Room> = {
		t: 'c',
		...(args._id && { _id: args._id }),
		$or: [{ teamId: { $exists: false } }, { _id: { $in: teamChannels } }],
	};
	const options = { projection: CLIENT_ROOM_FIELDS, sort: { name: 1, _id: 1 }, skip: offset, limit: count } as const;
	const entries = await store.rooms.find(channels, options).toArray();
	return { entries, offset, total: await store.rooms.countDocuments(channels) };
}

export const listChannels = method({
	name: 'channels.list',
	/** `_id`: lists only this channel. Callers without `view-c-room` get all their own channels nevertheless. */
	args: { ...Page, _id: Match.Optional(String) },
	...READ_DEFAULTS,
	summary: 'Lists the channels, sorted by name; callers without view-c-room get only their own',
	returns: { channels: [RoomAnswer], ...PAGE_ANSWER },
	errors: ['error-unauthorized'],
	async run(args, context) {
		const { store } = context;
		const caller = await findCaller(context);
		const seesAll = await hasPermission(store, caller, 'view-c-room');
		if (!seesAll && !(await hasPermission(store, caller, 'view-joined-room'))) throw clientError('permissionMissing');
		const page = seesAll ? await allChannels(context, args) : await ownRooms(context, CHANNELS, args);
		return listAnswer(context, CHANNELS, page);
	},
});

function listOwn(name: string, kind: ChannelOrGroup) {
	return method({
		name,
		args: Page,
		...READ_DEFAULTS,
		summary: `Lists the ${kind.plural} of the caller, sorted by name`,
		returns: { [kind.plural]: [RoomAnswer], ...PAGE_ANSWER },
		errors: [],
		run: async (args, context) => listAnswer(context, kind, await ownRooms(context, kind, args)),
	});
}

export const listJoinedChannels = listOwn('channels.list.joined', CHANNELS);
export const listGroups = listOwn('groups.list', GROUPS);
