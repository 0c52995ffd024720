/** `im.create`, `dm.create`, `createDirectMessage`: direct rooms, of which there is one for the same users. */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITES } from '../limits.js';
import { openDirectRoom } from '../model/lifecycle/directRoom.js';
import { findCaller } from '../model/rooms/findRoom.js';

/** A list, or names with commas between them. */
const USERNAMES = Match.Optional(Match.OneOf(String, [String]));

/** `dm.create` is another name of the same. */
export const createDirectRoomMethods = ['im.create', 'dm.create'].map((name) =>
	method({
		name,
		args: { username: Match.Optional(String), usernames: USERNAMES, excludeSelf: Match.Optional(Boolean) },
		rest: 'POST',
		limit: WRITES,
		summary: 'Returns the direct room of the caller with one user or several; makes it if there is none',
		async run({ username, usernames = [], excludeSelf = false }, context) {
			const list = typeof usernames === 'string' ? usernames.split(',').map((text) => text.trim()) : usernames;
			const room = await openDirectRoom(context, username === undefined ? list : [username, ...list], excludeSelf);
			return { room: { ...room, rid: room._id } };
		},
	}),
);

const Username = Match.Optional(String);

/** As clients call it over DDP: a user name for each parameter. With none it is the caller's room with themselves. */
export const createDirectMessage = method({
	name: 'createDirectMessage',
	args: {
		username1: Username,
		username2: Username,
		username3: Username,
		username4: Username,
		username5: Username,
		username6: Username,
		username7: Username,
		username8: Username,
		username9: Username,
	},
	limit: WRITES,
	summary: 'Returns the direct room of the caller with the users of these names; makes it if there is none',
	async run(args, context) {
		const { username } = await findCaller(context);
		const named = Object.values(args).filter((text) => text !== undefined);
		const { _id, ...room } = await openDirectRoom(context, named.length > 0 ? named : [username ?? ''], false);
		return { ...room, t: 'd', rid: _id };
	},
});
