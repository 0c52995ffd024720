/**
 * `rooms.get`, `rooms/get`, `subscriptions.get`, `subscriptions/get`: all of the caller's rooms or memberships, or
 * those changed since a time (`test/contract/rocketchat-e2e.md` 2.4).
 */
import { batchesOf } from '../../shared/batches.js';
import type { Subscription } from '../../shared/documents.js';
import { Match } from '../../shared/match.js';
import { type Method, method, type UserContext } from '../../shared/method.js';
import type { Pattern } from '../../shared/pattern.js';
import type { Store } from '../../shared/store.js';
import { DDP_READ_DEFAULTS, READ_DEFAULTS } from '../methodDefaults.js';
import { changesOf, MembershipAnswer, RoomAnswer } from '../model/answers.js';
import { clientMembership } from '../model/memberships/clientMembership.js';
import { membershipsOfUser, roomsOfUser } from '../model/memberships/roomsOfUser.js';
import { CLIENT_ROOM_FIELDS, type ClientRoom, clientRooms } from '../model/rooms/clientRoom.js';
import { parseSince } from '../model/since.js';

const IDS_PER_QUERY = 200;

interface Removed {
	readonly _id: string;
	readonly _deletedAt: Date;
}

/** The changes since a time; without a time, all documents and nothing in `remove`. */
interface Delta<T> {
	readonly update: T[];
	readonly remove: Removed[];
}

type ClientMembership = Omit<Subscription, 'departures' | 'e2eKnownKeys'>;

type Context = Pick<UserContext, 'store' | 'signal' | 'userId'>;

function removedMemberships({ store, userId }: Context, since: Date) {
	const whereOwn = { __collection__: 'subscription', 'u._id': userId, _deletedAt: { $gt: since } };
	return store.trash.find(whereOwn, { projection: { rid: 1, _deletedAt: 1 } }).toArray();
}

async function membershipsSince(context: Context, since?: Date): Promise<Delta<ClientMembership>> {
	const { store, userId, signal } = context;
	const update: ClientMembership[] = [];
	const changed = since ? { _updatedAt: { $gt: since } } : {};
	for await (const page of membershipsOfUser(store, userId, changed, { signal })) {
		for (const membership of page) update.push(clientMembership(membership));
	}
	if (!since) return { update, remove: [] };
	const remove: Removed[] = [];
	for (const batch of batchesOf(await removedMemberships(context, since), IDS_PER_QUERY)) {
		const existing = await existingIds(
			store,
			batch.map(({ _id }) => _id),
		);
		for (const { _id, _deletedAt } of batch) if (!existing.has(_id)) remove.push({ _id, _deletedAt });
	}
	return { update, remove };
}

/** A membership still exists if its removal was recorded, but then interrupted. */
async function existingIds({ subscriptions }: Store, ids: string[]): Promise<Set<string>> {
	const found = await subscriptions.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray();
	return new Set(found.map(({ _id }) => _id));
}

/** `remove` has the rooms that the caller is no longer a member of. */
async function roomsSince(context: Context, since?: Date): Promise<Delta<ClientRoom>> {
	const { store, userId, signal } = context;
	const update: ClientRoom[] = [];
	const ownRids = new Set<string>();
	const changed = since ? { _updatedAt: { $gt: since } } : {};
	const options = { rooms: changed, roomFields: CLIENT_ROOM_FIELDS, signal };
	for await (const { memberships, rooms } of roomsOfUser(store, userId, options)) {
		for (const { rid } of memberships) ownRids.add(rid);
		update.push(...(await clientRooms(store, rooms)));
	}
	if (!since) return { update, remove: [] };
	const remove = new Map<string, Removed>();
	for (const { rid, _deletedAt } of await removedMemberships(context, since)) {
		if (rid !== undefined && !ownRids.has(rid)) remove.set(rid, { _id: rid, _deletedAt });
	}
	return { update, remove: [...remove.values()] };
}

/** A date over DDP, a text in a URL. */
const Since = Match.Optional(Match.OneOf(String, Date));

/**
 * Defines `<group>.get` for REST and `<group>/get` for DDP. Without a date, `<group>/get` returns a list.
 * @param documents what the summaries call the documents
 * @param answer the pattern of one document
 */
function defineGetMethods<T>(
	group: 'rooms' | 'subscriptions',
	documents: string,
	answer: Pattern,
	find: (context: Context, since?: Date) => Promise<Delta<T>>,
): readonly Method[] {
	const errors = ['error-updatedSince-param-invalid'];
	const overRest = method({
		name: `${group}.get`,
		args: { updatedSince: Since },
		...READ_DEFAULTS,
		summary: `The caller's ${documents} as {update, remove}; those changed since a date, if one is given`,
		returns: changesOf(answer),
		errors,
		run: ({ updatedSince }, context) => find(context, parseSince(updatedSince)),
	});
	const overDdp = method({
		name: `${group}/get`,
		args: { updatedAt: Since },
		...DDP_READ_DEFAULTS,
		summary: `The caller's ${documents} as a list; as {update, remove}, if a date is given`,
		returns: Match.OneOf([answer], changesOf(answer)),
		errors,
		async run({ updatedAt }, context) {
			const delta = await find(context, parseSince(updatedAt));
			return updatedAt === undefined ? delta.update : delta;
		},
	});
	return [overRest, overDdp];
}

export const getRooms = defineGetMethods('rooms', 'rooms', RoomAnswer, roomsSince);
export const getSubscriptions = defineGetMethods('subscriptions', 'memberships', MembershipAnswer, membershipsSince);

export const oneSubscription = method({
	name: 'subscriptions.getOne',
	args: { roomId: String },
	...READ_DEFAULTS,
	summary: "The caller's membership of one room, or null",
	returns: { subscription: Match.OneOf(MembershipAnswer, null) },
	errors: [],
	async run({ roomId }, { store, userId }) {
		const membership = await store.subscriptions.findOne({ rid: roomId, 'u._id': userId });
		return { subscription: membership && clientMembership(membership) };
	},
});
