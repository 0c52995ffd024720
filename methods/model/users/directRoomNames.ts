/** The names of direct rooms: each member sees the room named after the other members, as in Rocket.Chat. */
import type { Room, Subscription, User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { createYielder } from '../../../shared/yielding.js';
import { inParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { updateAsRead } from '../retryOnConflict.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;
type Person = Pick<User, '_id' | 'username' | 'name'>;

/** Direct rooms that are read together. Each has at most eight members. */
const PAGE_SIZE = 100;

/** Further writers may change names between two reads of a page. More reads than this mean something else is wrong. */
const MAX_READS = 10;

const shownName = ({ username = '', name }: Person) => name || username;

/**
 * The name of a direct room for a member: the names of the others, in the order of their display names.
 * @param people the members
 */
export function directRoomNames(
	userId: string,
	people: readonly Person[],
): Required<Pick<Subscription, 'name' | 'fname'>> {
	const others = people.filter(({ _id }) => _id !== userId);
	const shown = others.length > 0 ? others : [...people];
	shown.sort((one, other) => shownName(one).localeCompare(shownName(other)));
	return {
		name: shown.map(({ username = '' }) => username).join(', '),
		fname: shown.map(shownName).join(', '),
	};
}

/** The memberships of some direct rooms that are not named after the present names of the other members. */
async function findStale(
	{ store }: Context,
	userId: string,
	rooms: readonly Room[],
): Promise<{ membership: Subscription; names: Pick<Subscription, 'name' | 'fname'> }[]> {
	const uids = new Map(rooms.map(({ _id, uids = [] }) => [_id, uids]));
	const among = { _id: { $in: [...new Set([...uids.values()].flat())] } };
	const users = await store.users.find(among, { projection: { username: 1, name: 1 } }).toArray();
	const byId = new Map(users.map((user) => [user._id, user]));
	const options = { projection: { rid: 1, u: 1, name: 1, fname: 1 } } as const;
	const memberships = await store.subscriptions.find({ rid: { $in: [...uids.keys()] } }, options).toArray();
	const yielder = createYielder();
	const stale = [];
	for (const membership of memberships) {
		await yielder();
		const ids = uids.get(membership.rid) ?? [];
		// Only the room of one user is named after that user.
		if (membership.u._id === userId && ids.some((id) => id !== userId)) continue;
		const names = directRoomNames(
			membership.u._id,
			ids.flatMap((id) => byId.get(id) ?? []),
		);
		if (membership.name !== names.name || membership.fname !== names.fname) stale.push({ membership, names });
	}
	return stale;
}

/**
 * Names the direct rooms of a user, for the other members, after the names in the users' own documents, and notifies
 * these members. Reads again after it wrote: of two users of a room who change their names concurrently, the later one
 * finds what the earlier one wrote.
 */
export async function renameDirectRooms(context: Context, userId: string): Promise<void> {
	const { store, signal } = context;
	const options = { projection: { uids: 1 }, size: PAGE_SIZE, signal } as const;
	for await (const rooms of pagesOf(store.rooms, { t: 'd', uids: userId }, options)) {
		let stale = await findStale(context, userId, rooms);
		for (let reads = 1; stale.length > 0 && reads < MAX_READS; reads++) {
			const rename = async ({ membership: { _id }, names }: (typeof stale)[number]) => {
				await store.subscriptions.updateOne({ _id }, { $set: names });
			};
			await inParallel(stale, rename, signal);
			stale = await findStale(context, userId, rooms);
		}
	}
}

/** Replaces a user's former name in the list of a direct room. */
export async function renameInDirectRoom(
	{ store }: Context,
	{ rid, u: { _id: userId, username: former } }: Pick<Subscription, 'rid' | 'u'>,
	username: string,
): Promise<void> {
	if (former === undefined) return;
	await updateAsRead(
		store.rooms,
		() => store.rooms.findOne({ _id: rid, t: 'd', uids: userId, usernames: former }, { projection: { usernames: 1 } }),
		({ usernames = [] }) => ({
			whereUnchanged: { _id: rid, $and: usernames.map((name) => ({ usernames: name })) },
			update: { $set: { usernames: usernames.map((name) => (name === former ? username : name)) } },
		}),
	);
}
