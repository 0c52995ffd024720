/** `rooms.info`, `channels.info`, `groups.info`, `channels.members`, `groups.members`. */
import { method } from '../../shared/method.js';
import { READS } from '../limits.js';
import { Page, pageOf } from '../paging.js';
import { findRoom, forBoth, WHICH_ROOM } from './kinds.js';
import { MEMBER } from './members.js';
import { publishedRoom } from './published.js';

export const roomInfo = method({
	name: 'rooms.info',
	args: WHICH_ROOM,
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: 'Tells of a room the caller may see',
	run: async (which, context) => ({ room: await publishedRoom(context.store, await findRoom(context, which)) }),
});

export const infoMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.info`,
		args: WHICH_ROOM,
		rest: 'GET',
		parallel: true,
		limit: READS,
		summary: `Tells of a ${kind.single} the caller may see`,
		run: async (which, context) => ({
			[kind.single]: await publishedRoom(context.store, await findRoom(context, which, kind)),
		}),
	}),
);

/** `GET groups.members` {roomId | roomName, count?, offset?} → {members: [{_id, username, name}], count, offset, total} */
export const memberMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.members`,
		args: { ...WHICH_ROOM, ...Page },
		rest: 'GET',
		parallel: true,
		limit: READS,
		summary: `Lists the members of a ${kind.single} by name, a page at a time`,
		async run(args, context) {
			const { store } = context;
			const { count, offset } = pageOf(args);
			const room = await findRoom(context, args, kind);
			const come = { rid: room._id, ...MEMBER };
			const places = await store.subscriptions
				.find(come, {
					projection: { 'u._id': 1 },
					sort: { 'u.username': 1, _id: 1 },
					skip: offset,
					limit: count,
				})
				.toArray();
			const users = store.users.find(
				{ _id: { $in: places.map(({ u }) => u._id) } },
				{ projection: { username: 1, name: 1 } },
			);
			const byId = new Map((await users.toArray()).map((user) => [user._id, user]));
			const members = places.flatMap(({ u }) => byId.get(u._id) ?? []);
			return { members, count: members.length, offset, total: await store.subscriptions.countDocuments(come) };
		},
	}),
);
