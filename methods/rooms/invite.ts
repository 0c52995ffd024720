/** `channels.invite`, `groups.invite`, `channels.join`: who comes into a room that is in use. */
import type { Room, User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { WRITES } from '../limits.js';
import { hasPermission, hasRoomPermission } from '../permissions.js';
import { CHANNELS, findCaller, findRoom, forBoth, roomAnswer, WHICH_ROOM } from './kinds.js';
import { MEMBER } from './members.js';
import { addMember } from './memberships.js';

/** The arguments that name users: one of the first three, or one of the lists. */
export const WHICH_USERS = {
	userId: Match.Optional(String),
	username: Match.Optional(String),
	user: Match.Optional(String),
	userIds: Match.Optional([String]),
	usernames: Match.Optional([String]),
} as const;

type WhichUsers = { [K in keyof typeof WHICH_USERS]?: string | string[] | undefined };

/** Most users one call may name: more make a body that was not written by a person. */
const MAX_USERS = 1000;

/**
 * Finds all the users that arguments name.
 * @throws ClientError `error-users-params-not-provided`, or `error-invalid-user` where one of them is unknown
 */
export async function findNamedUsers(
	{ store, name }: Pick<MethodContext, 'store' | 'name'>,
	{ userId, username, user, userIds, usernames }: WhichUsers,
): Promise<User[]> {
	const listed = (one: typeof userId, more: typeof userIds) =>
		[...(one ? [one] : []), ...(more ?? [])].flat().filter((text) => text !== '');
	const ids = [...new Set(listed(userId, userIds))];
	const names = [...new Set(listed(username ?? user, usernames))];
	if (ids.length + names.length === 0) throw clientError('userParamMissing', { method: name });
	if (ids.length + names.length > MAX_USERS) throw clientError('invalidUser', { method: name });
	const users = await store.users
		.find({ $or: [{ _id: { $in: ids } }, { username: { $in: names } }] }, { projection: { username: 1, name: 1 } })
		.toArray();
	const isFound = (wanted: string, field: '_id' | 'username') => users.some((found) => found[field] === wanted);
	if (!ids.every((id) => isFound(id, '_id')) || !names.every((text) => isFound(text, 'username')))
		throw clientError('invalidUser', { method: name });
	return users;
}

/** Rooms whose members are decided elsewhere: by attributes, or by other servers. @throws ClientError `error-not-allowed` */
function requireOwnMembers({ abacAttributes, federated, archived }: Room, methodName: string): void {
	if (abacAttributes?.length || federated || archived) throw clientError('actionNotAllowed', { method: methodName });
}

async function mayInvite(store: Store, caller: User, { _id: rid, t }: Room): Promise<boolean> {
	if (await hasPermission(store, caller, `add-user-to-any-${t}-room`)) return true;
	const own = { rid, 'u._id': caller._id, ...MEMBER };
	if (!(await store.subscriptions.findOne(own, { projection: { _id: 1 } }))) return false;
	return hasRoomPermission(store, caller, 'add-user-to-joined-room', rid);
}

/** `POST groups.invite` {roomId | roomName, userId | username | user | userIds | usernames} */
export const inviteMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.invite`,
		args: { ...WHICH_ROOM, ...WHICH_USERS },
		rest: 'POST',
		limit: WRITES,
		summary: `Adds users to a ${kind.single}; who is a member already stays so`,
		async run(args, context) {
			const { store, name } = context;
			const room = await findRoom(context, args, kind, `add-user-to-any-${kind.t}-room`);
			if (!(await mayInvite(store, await findCaller(context), room)))
				throw clientError('actionNotAllowed', { method: name });
			requireOwnMembers(room, name);
			for (const user of await findNamedUsers(context, args)) await addMember(context, room, user);
			return roomAnswer(context, kind, room._id);
		},
	}),
);

export const joinChannel = method({
	name: 'channels.join',
	args: WHICH_ROOM,
	rest: 'POST',
	limit: WRITES,
	summary: 'Makes the caller a member of a channel they may see',
	async run(which, context) {
		const { store, name } = context;
		const room = await findRoom(context, which, CHANNELS);
		const caller = await findCaller(context);
		requireOwnMembers(room, name);
		if (room.joinCodeRequired && !(await hasPermission(store, caller, 'join-without-join-code')))
			throw clientError('codeRequired', { method: name });
		await addMember(context, room, caller);
		return roomAnswer(context, CHANNELS, room._id);
	},
});
