/** Direct rooms: one for each set of users. */
import { createHash } from 'node:crypto';
import type { Room, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey } from '../../../shared/store.js';
import { enqueueKeyless } from '../keys/queue.js';
import { hasPermission } from '../permissions/permissions.js';
import { type ClientRoom, clientRoom, isEncryptionShown } from '../rooms/clientRoom.js';
import { findCaller } from '../rooms/findRoom.js';
import { directRoomNames } from '../users/directRoomNames.js';
import { findByUsernames } from '../users/findUser.js';
import { addMembership } from './addMember.js';
import { encryptionOfNew } from './roomEncryption.js';

/** Maximum number of users in a direct room, as in Rocket.Chat. */
const MAX_PEOPLE = 8;

type Context = Pick<MethodContext, 'store' | 'signal'>;

/**
 * The id of the direct room of these users, which depends only on the set of users. For two users it is both ids, for
 * one user the id twice, for more a hash, whereas Rocket.Chat uses a random id (`test/contract/rocketchat-e2e.md`
 * section 2).
 * @param uids sorted
 */
export function directRoomId(uids: readonly string[]): string {
	if (uids.length <= 2) return [uids[0], uids.at(-1)].join('');
	return createHash('sha256').update(uids.join(' ')).digest('base64url').slice(0, 17);
}

/** Finds or creates the direct room of these users. Of several concurrent calls, one creates it. */
async function findOrInsert({ store }: Context, people: readonly User[]): Promise<{ room: Room; isNew: boolean }> {
	const uids = people.map(({ _id }) => _id).sort();
	const _id = directRoomId(uids);
	// A Rocket.Chat server has created it under another id.
	if (uids.length !== 2) {
		const same = uids.map((uid) => ({ uids: uid }));
		const there = await store.rooms.findOne({ t: 'd', $and: [...same, { uids: { $size: uids.length } }] });
		if (there) return { room: there, isNew: false };
	}
	const encrypted = await encryptionOfNew(store, 'd', undefined);
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
	try {
		await store.rooms.insertOne(room, { silent: true });
		return { room, isNew: true };
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
	}
	const there = await store.rooms.findOne({ _id });
	if (!there) throw clientError('roomNotFound');
	return { room: there, isNew: false };
}

/** Opens the room again for a member who had closed it. */
async function reopen({ store }: Context, rid: string, userId: string): Promise<void> {
	await store.subscriptions.updateOne({ rid, 'u._id': userId, open: false }, { $set: { open: true } });
}

async function findPeople(context: Context, usernames: readonly string[]): Promise<User[]> {
	const wanted = [...new Set(usernames)];
	if (wanted.length === 0 || wanted.includes('')) throw clientError('userParamMissing');
	if (wanted.length > MAX_PEOPLE) throw clientError('directRoomTooLarge');
	const found = await findByUsernames(context, wanted, { username: 1, name: 1 });
	if (found.size < wanted.length) throw clientError('invalidUser');
	return [...new Map([...found.values()].map((person) => [person._id, person])).values()];
}

/**
 * Finds or creates the direct room of the caller with others, and opens it for the caller.
 * @param usernames of the others; the caller may be among them
 * @param excludeSelf true: the caller is not a member of the room
 * @throws ClientError `error-not-allowed`, `error-users-params-not-provided`, `error-invalid-user`,
 * `error-direct-message-max-user-exceeded`
 */
export async function openDirectRoom(
	context: Context & { readonly userId: string },
	usernames: readonly string[],
	excludeSelf: boolean,
): Promise<ClientRoom> {
	const { store } = context;
	const caller = await findCaller(context);
	if (!(await hasPermission(store, caller, 'create-d'))) throw clientError('actionNotAllowed');
	// Only users who administer rooms may create a room without themselves.
	if (excludeSelf && !(await hasPermission(store, caller, 'view-room-administration')))
		throw clientError('actionNotAllowed');
	const named = await findPeople(context, usernames);
	const others = named.filter(({ _id }) => _id !== caller._id);
	const people = excludeSelf ? others : [caller, ...others];
	if (excludeSelf && people.length < 2) throw clientError('userParamMissing');
	if (people.length > MAX_PEOPLE) throw clientError('directRoomTooLarge');

	const { room, isNew } = await findOrInsert(context, people);
	const rid = room._id;
	let came = 0;
	for (const person of people)
		if (await addMembership(store, room, person, directRoomNames(person._id, people))) came++;
	if (!isNew) await reopen(context, rid, caller._id);
	const now = await store.rooms.findOne({ _id: rid });
	if (!now) throw clientError('roomNotFound');
	if (came > 0) await store.rooms.announce(isNew ? 'inserted' : 'updated', now);
	if (came > 0 && now.encrypted && (await isEncryptionShown(store))) await enqueueKeyless(store, rid);
	return clientRoom(store, now);
}
