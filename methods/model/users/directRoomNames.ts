/** Names of direct rooms. Each member sees the names of the other members, as in Rocket.Chat. */
import type { Room, Subscription, User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { createYielder } from '../../../shared/yielding.js';
import { inParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { updateIfUnchanged } from '../retryOnConflict.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;
type Person = Pick<User, '_id' | 'username' | 'name'>;

/** A direct room has at most eight members, so one query reads at most 800 memberships. */
const PAGE_SIZE = 100;

/** Even with concurrent name changes, two or three reads of a page suffice. */
const MAX_READS = 10;

const displayName = ({ username = '', name }: Person) => name || username;

/**
 * The names of the other members, in the order of their display names.
 * @param userId the member who sees the name
 * @param people all members
 */
export function directRoomNames(
	userId: string,
	people: readonly Person[],
): Required<Pick<Subscription, 'name' | 'fname'>> {
	// The room of one user alone is named after that user.
	const others = people.filter(({ _id }) => _id !== userId);
	const shownPeople = others.length > 0 ? others : [...people];
	shownPeople.sort((first, second) => displayName(first).localeCompare(displayName(second)));
	return {
		name: shownPeople.map(({ username = '' }) => username).join(', '),
		fname: shownPeople.map(displayName).join(', '),
	};
}

/**
 * Finds memberships of these rooms that lack the present names of the members.
 * @param userId the user whose name has changed
 */
async function findOutdatedNames(
	{ store }: Context,
	userId: string,
	rooms: readonly Room[],
): Promise<{ membership: Subscription; names: Pick<Subscription, 'name' | 'fname'> }[]> {
	const idsByRoom = new Map(rooms.map(({ _id, uids = [] }) => [_id, uids]));
	const allIds = [...new Set([...idsByRoom.values()].flat())];
	const users = await store.users.find({ _id: { $in: allIds } }, { projection: { username: 1, name: 1 } }).toArray();
	const usersById = new Map(users.map((user) => [user._id, user]));
	const options = { projection: { rid: 1, u: 1, name: 1, fname: 1 } } as const;
	const memberships = await store.subscriptions.find({ rid: { $in: [...idsByRoom.keys()] } }, options).toArray();
	const pause = createYielder();
	const outdated = [];
	for (const membership of memberships) {
		await pause();
		const ids = idsByRoom.get(membership.rid) ?? [];
		// The user's own membership has only the names of others, unless the user is alone.
		if (membership.u._id === userId && ids.some((id) => id !== userId)) continue;
		const people = ids.flatMap((id) => usersById.get(id) ?? []);
		const names = directRoomNames(membership.u._id, people);
		if (membership.name !== names.name || membership.fname !== names.fname) outdated.push({ membership, names });
	}
	return outdated;
}

/**
 * Updates the names of a user's direct rooms in the memberships of the other members. Each page is read again after the
 * writes, because another member may have changed their name.
 */
export async function renameDirectRooms(context: Context, userId: string): Promise<void> {
	const { store, signal } = context;
	const options = { projection: { uids: 1 }, size: PAGE_SIZE, signal } as const;
	for await (const rooms of pagesOf(store.rooms, { t: 'd', uids: userId }, options)) {
		let outdated = await findOutdatedNames(context, userId, rooms);
		for (let reads = 1; outdated.length > 0 && reads < MAX_READS; reads++) {
			const rename = async ({ membership: { _id }, names }: (typeof outdated)[number]) => {
				await store.subscriptions.updateOne({ _id }, { $set: names });
			};
			await inParallel(outdated, rename, signal);
			outdated = await findOutdatedNames(context, userId, rooms);
		}
	}
}

/** Replaces a user's former name in the field `usernames` of a direct room. */
export async function renameInDirectRoom(
	{ store }: Context,
	{ rid, u: { _id: userId, username: formerName } }: Pick<Subscription, 'rid' | 'u'>,
	newName: string,
): Promise<void> {
	if (formerName === undefined) return;
	const whereFormerName = { _id: rid, t: 'd', uids: userId, usernames: formerName } as const;
	await updateIfUnchanged(
		store.rooms,
		() => store.rooms.findOne(whereFormerName, { projection: { usernames: 1 } }),
		({ usernames = [] }) => ({
			whereUnchanged: { _id: rid, $and: usernames.map((name) => ({ usernames: name })) },
			update: { $set: { usernames: usernames.map((name) => (name === formerName ? newName : name)) } },
		}),
	);
}
