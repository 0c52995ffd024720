/**
 * `im.create`, `dm.create`, `createDirectMessage`: find or create a direct room. Each set of users has one direct room.
 */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { WRITES } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { RoomAnswer } from '../model/answers.js';
import { openDirectRoom } from '../model/lifecycle/directRoom.js';
import { findCaller } from '../model/rooms/findRoom.js';

/** User names: an array, or a text with names separated by commas. */
const USERNAMES = Match.Optional(Match.OneOf(String, [String]));

const ERRORS = [
	'error-users-params-not-provided',
	'error-not-allowed',
	'error-direct-message-max-user-exceeded',
	'error-room-not-found',
] as const;

/** `dm.create` is an alias of `im.create`. */
export const createDirectRoomMethods = ['im.create', 'dm.create'].map((name) =>
	method({
		name,
		args: { username: Match.Optional(String), usernames: USERNAMES, excludeSelf: Match.Optional(Boolean) },
		...WRITE_DEFAULTS,
		summary: 'Returns the direct room of the caller with one or more users; creates it if there is none',
		returns: { room: RoomAnswer },
		errors: ERRORS,
		async run({ username, usernames = [], excludeSelf = false }, context) {
			const list = typeof usernames === 'string' ? usernames.split(',').map((text) => text.trim()) : usernames;
			const room = await openDirectRoom(context, username === undefined ? list : [username, ...list], excludeSelf);
			return { room: { ...room, rid: room._id } };
		},
	}),
);

const Username = Match.Optional(String);

/**
 * For DDP clients: each parameter is a user name. Without parameters it opens a room of the caller alone. A direct room
 * has at most eight users. A call with nine names gets the error for that limit.
 */
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
	summary: 'Returns the direct room of the caller with the users of these names; creates it if there is none',
	returns: Match.ObjectIncluding({ rid: String, t: 'd' }),
	errors: ERRORS,
	async run(args, context) {
		const { username } = await findCaller(context);
		const sentNames = Object.values(args).filter((text) => text !== undefined);
		const usernames = sentNames.length > 0 ? sentNames : [username ?? ''];
		const { _id, ...room } = await openDirectRoom(context, usernames, false);
		return { ...room, t: 'd', rid: _id };
	},
});
