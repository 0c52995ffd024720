/** Direct rooms: one for each set of users. */

import { createHash } from 'node:crypto';
import type { Room, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { ID_LENGTH } from '../../../shared/ids.js';
import type { MethodContext } from '../../../shared/method.js';
import { insertIfAbsent } from '../insertIfAbsent.js';
import { enqueueKeyless } from '../keys/queue.js';
import { hasPermission } from '../permissions/permissions.js';
import {
	ADMIN_ROOM_FIELDS,
	CLIENT_ROOM_FIELDS,
	type ClientRoom,
	clientRoom,
	isEncryptionEnabled,
} from '../rooms/clientRoom.js';
import { findCaller } from '../rooms/findRoom.js';
import { directRoomNames } from '../users/directRoomNames.js';
import { findByUsernames } from '../users/findUser.js';
import { addMembership } from './addMember.js';
import { encryptionOfNewRoom } from './roomEncryption.js';

/** Maximum number of users in a direct room, as in Rocket.Chat. */
const MAX_MEMBERS = 8;

type Context = Pick<MethodContext, 'store' | 'signal'>;

/**
 * The id of the direct room of these users. For more than two it is a hash, where Rocket.Chat uses a random id
 * (`test/contract/rocketchat-e2e.md` section 2).
 * @param uids the user ids, sorted
 */
export function directRoomId(uids: readonly string[]): string {
	if (uids.length <= 2) return [uids[0], uids.at(-1)].join('');
	return createHash('sha256').update(uids.join(' ')).digest('base64url').slice(0, ID_LENGTH);
}

async function findOrInsert({ store }: Context, people: readonly User[]): Promise<{ room: Room; isNew: boolean }> {
	const uids = people.map(({ _id }) => _id).sort();
	const _id = directRoomId(uids);
	// A Rocket.Chat server may have created the room with another id, except the room of two users.
	if (uids.length !== 2) {
		const withEachUser = uids.map((uid) => ({ uids: uid }));
		const existing = await store.rooms.findOne({ t: 'd', $and: [...withEachUser, { uids: { $size: uids.length } }] });
		if (existing) return { room: existing, isNew: false };
	}
	const encrypted = await encryptionOfNewRoom(store, 'd', undefined);
	const room: Room = {
		_id,
		t: 'd',
		usernames: people.map(({ username = '' }) => username),
		uids,
		usersCount: people.length,
		msgs: 0,
		ts: new Date(),
		ro: false,
		sysMes: true,
		...(encrypted !== undefined && { encrypted }),
	};
	if (await insertIfAbsent(store.rooms, room, { silent: true })) return { room, isNew: true };
	const existing = await store.rooms.findOne({ _id });
	if (!existing) throw clientError('roomNotFound');
	return { room: existing, isNew: false };
}

/** Shows the room again to a member who had hidden it. */
async function reopen({ store }: Context, rid: string, userId: string): Promise<void> {
	await store.subscriptions.updateOne({ rid, 'u._id': userId, open: false }, { $set: { open: true } });
}

async function findUsers(context: Context, usernames: readonly string[]): Promise<User[]> {
	const distinctNames = [...new Set(usernames)];
	if (distinctNames.length === 0 || distinctNames.includes('')) throw clientError('usersParamsNotProvided');
	if (distinctNames.length > MAX_MEMBERS) throw clientError('directRoomTooLarge');
	const found = await findByUsernames(context, distinctNames, { username: 1, name: 1 });
	if (found.size < distinctNames.length) throw clientError('invalidUser');
	const usersById = new Map([...found.values()].map((user) => [user._id, user]));
	return [...usersById.values()];
}

/**
 * Finds or creates the direct room of the caller with others, and opens it for the caller.
 * @param usernames names of the other users; the caller's name may be among them
 * @param excludeSelf true: the caller does not become a member of the room
 * @throws ClientError `error-not-allowed` without the permission; `error-users-params-not-provided` without names, or
 * for an empty one; `error-invalid-user` for an unknown name; `error-direct-message-max-user-exceeded` for too many
 * members
 */
export async function openDirectRoom(
	context: Context & { readonly userId: string },
	usernames: readonly string[],
	excludeSelf: boolean,
): Promise<ClientRoom> {
	const { store } = context;
	const caller = await findCaller(context);
	if (!(await hasPermission(store, caller, 'create-d'))) throw clientError('errorNotAllowed');
	// Only users who administer rooms may create a room without themselves.
	if (excludeSelf && !(await hasPermission(store, caller, 'view-room-administration')))
		throw clientError('errorNotAllowed');
	const namedUsers = await findUsers(context, usernames);
	const others = namedUsers.filter(({ _id }) => _id !== caller._id);
	const people = excludeSelf ? others : [caller, ...others];
	if (excludeSelf && people.length < 2) throw clientError('usersParamsNotProvided');
	if (people.length > MAX_MEMBERS) throw clientError('directRoomTooLarge');

	const { room, isNew } = await findOrInsert(context, people);
	const rid = room._id;
	let addedMembers = 0;
	for (const person of people)
		if (await addMembership(store, room, person, directRoomNames(person._id, people))) addedMembers++;
	if (!isNew) await reopen(context, rid, caller._id);
	// After new memberships the room is written, so that its `_updatedAt` is later, as in `createRoom`.
	const projection = excludeSelf ? ADMIN_ROOM_FIELDS : CLIENT_ROOM_FIELDS;
	const current =
		addedMembers > 0
			? await store.rooms.findOneAndUpdate(
					{ _id: rid },
					{ $set: { usersCount: people.length } },
					{ returnDocument: 'after', projection, silent: true },
				)
			: await store.rooms.findOne({ _id: rid }, { projection });
	if (!current) throw clientError('roomNotFound');
	if (addedMembers > 0) await store.rooms.announce(isNew ? 'inserted' : 'updated', current);
	if (addedMembers > 0 && current.encrypted && (await isEncryptionEnabled(store))) await enqueueKeyless(store, rid);
	return clientRoom(store, current);
}
