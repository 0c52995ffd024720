/** `e2e.getUsersOfRoomWithoutKey` (`test/contract/rocketchat-e2e.md` 4.5): the members who have no key, and a public one to seal it with. */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { countSealable, type Sealable, usersWithPublicKey } from '../model/keys/identities.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { KEYLESS } from '../model/keys/storedKeys.js';
import { memberPages } from '../model/keys/waiting.js';
import { requireRoomAccess } from '../model/rooms/access.js';

/** Whole and not negative. */
const Natural = Match.Where((value): value is number => Number.isInteger(value) && (value as number) >= 0);

const asShown = ({ _id, public_key }: Sealable) => ({ _id, e2e: { public_key } });

const keylessMembers = (store: Store, rid: string) => memberPages(store, rid, KEYLESS);

async function all(store: Store, rid: string) {
	const users: Sealable[] = [];
	for await (const page of keylessMembers(store, rid)) users.push(...(await usersWithPublicKey(store, page)));
	return { users: users.map(asShown) };
}

/** @param count most users; 0 for all that come after the offset */
async function part(store: Store, rid: string, count: number, offset: number) {
	const end = count === 0 ? Number.POSITIVE_INFINITY : offset + count;
	const users: Sealable[] = [];
	let total = 0;
	for await (const page of keylessMembers(store, rid)) {
		const size = await countSealable(store, page);
		if (total + size > offset && total < end) {
			users.push(...(await usersWithPublicKey(store, page)).slice(Math.max(0, offset - total), end - total));
		}
		total += size;
	}
	return { users: users.map(asShown), total };
}

export const getUsersOfRoomWithoutKey = method({
	name: 'e2e.getUsersOfRoomWithoutKey',
	args: { rid: String, count: Match.Optional(Natural), offset: Match.Optional(Natural) },
	rest: 'GET',
	limit: KEY_CALLS,
	parallel: true,
	summary:
		'Members of a room who have no key of it but identity keys; with count or offset a part of them, and how many',
	async run({ rid, count, offset }, { name, userId, store }) {
		await requireRoomAccess(store, rid, userId, name);
		if (count === undefined && offset === undefined) return all(store, rid);
		return part(store, rid, count ?? 0, offset ?? 0);
	},
});
