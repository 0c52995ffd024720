/**
 * `e2e.getUsersOfRoomWithoutKey` (`test/contract/rocketchat-e2e.md` 4.5): the members who have identity keys and no
 * `E2EKey`, not even one of a former room key.
 */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_READ_DEFAULTS } from '../methodDefaults.js';
import { WITHOUT_OWN_KEY } from '../model/keys/storedKeys.js';
import { countUsersWithIdentity, publicKeysOf, type UserWithPublicKey } from '../model/keys/usersWithIdentity.js';
import { MEMBER, userIdsOfMemberships } from '../model/memberships/members.js';
import { Page } from '../model/paging.js';
import { requireRoomAccess } from '../model/rooms/access.js';

const toAnswer = ({ _id, public_key }: UserWithPublicKey) => ({ _id, e2e: { public_key } });

async function* keylessMemberIds(store: Store, rid: string): AsyncIterable<string[]> {
	const pause = createYielder();
	for await (const ids of userIdsOfMemberships(store, rid, { ...MEMBER, ...WITHOUT_OWN_KEY })) {
		await pause();
		yield ids;
	}
}

async function listAll(store: Store, rid: string) {
	const users: UserWithPublicKey[] = [];
	for await (const ids of keylessMemberIds(store, rid)) users.push(...(await publicKeysOf(store, ids)));
	return { users: users.map(toAnswer) };
}

/**
 * One page of the users that `listAll` lists, and their total number.
 * @param count maximum number of users; 0 for all after the offset
 */
async function listPage(store: Store, rid: string, count: number, offset: number) {
	const end = count === 0 ? Number.POSITIVE_INFINITY : offset + count;
	const users: UserWithPublicKey[] = [];
	let total = 0;
	for await (const ids of keylessMemberIds(store, rid)) {
		const counted = await countUsersWithIdentity(store, ids);
		// In the list of all users, those of `ids` begin at the index `total` and end before `total + counted`.
		const overlapsAnswer = total + counted > offset && total < end;
		if (overlapsAnswer) {
			const found = await publicKeysOf(store, ids);
			users.push(...found.slice(Math.max(0, offset - total), end - total));
		}
		total += counted;
	}
	return { users: users.map(toAnswer), total };
}

export const getUsersOfRoomWithoutKey = method({
	name: 'e2e.getUsersOfRoomWithoutKey',
	args: { rid: String, ...Page },
	...KEY_READ_DEFAULTS,
	summary:
		'Lists the members of a room who have identity keys and no E2EKey; with count or offset one page, and the total',
	returns: { users: [{ _id: String, e2e: { public_key: String } }], total: Match.Optional(Number) },
	errors: ['error-invalid-room'],
	async run({ rid, count, offset }, { userId, store }) {
		await requireRoomAccess(store, rid, userId);
		if (count === undefined && offset === undefined) return listAll(store, rid);
		return listPage(store, rid, count ?? 0, offset ?? 0);
	},
});
