/** What clients read to know their rooms and places, all of it or what has changed since (`test/contract/rocketchat-e2e.md` 2.4). */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { READS } from '../limits.js';
import { pagesOf } from '../model/pages.js';
import { MEMBER } from './members.js';
import { PUBLISHED, type PublishedRoom, publishedRooms } from './published.js';
import { shownPlace } from './shown.js';

/** Ids in one query. */
const BATCH = 200;

/** What is gone, and since when. */
interface Removed {
	readonly _id: string;
	readonly _deletedAt: Date;
}

interface Delta<T> {
	readonly update: T[];
	readonly remove: Removed[];
}

type ShownPlace = Omit<Subscription, 'departures'>;

type Asking = Pick<MethodContext, 'store' | 'signal'> & { readonly userId: string };

function* batches<T>(all: readonly T[]): Iterable<T[]> {
	for (let i = 0; i < all.length; i += BATCH) yield all.slice(i, i + BATCH);
}

/** The places of the caller that were removed since. */
function removedPlaces({ store, userId }: Asking, since: Date) {
	const own = { __collection__: 'subscription', 'u._id': userId, _deletedAt: { $gt: since } };
	return store.trash.find(own, { projection: { rid: 1, _deletedAt: 1 } }).toArray();
}

async function placesSince(asking: Asking, since?: Date): Promise<Delta<ShownPlace>> {
	const { store, userId, signal } = asking;
	const own = { 'u._id': userId };
	const update: ShownPlace[] = [];
	const changed = since ? { ...own, _updatedAt: { $gt: since } } : own;
	for await (const page of pagesOf(store.subscriptions, changed, { signal })) {
		for (const place of page) update.push(shownPlace(place));
	}
	if (!since) return { update, remove: [] };
	const remove: Removed[] = [];
	for (const batch of batches(await removedPlaces(asking, since))) {
		const still = await idsStillThere(
			store,
			batch.map(({ _id }) => _id),
		);
		for (const { _id, _deletedAt } of batch) if (!still.has(_id)) remove.push({ _id, _deletedAt });
	}
	return { update, remove };
}

/** Places whose removal was noted, and then broken off. */
async function idsStillThere({ subscriptions }: Store, ids: string[]): Promise<Set<string>> {
	const there = await subscriptions.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray();
	return new Set(there.map(({ _id }) => _id));
}

async function roomsSince(asking: Asking, since?: Date): Promise<Delta<PublishedRoom>> {
	const { store, userId, signal } = asking;
	const update: PublishedRoom[] = [];
	const own = new Set<string>();
	const options = { projection: { rid: 1 }, signal } as const;
	for await (const page of pagesOf(store.subscriptions, { 'u._id': userId, ...MEMBER }, options)) {
		for (const { rid } of page) own.add(rid);
		for (const batch of batches(page)) {
			const among = { _id: { $in: batch.map(({ rid }) => rid) } };
			const changed = since ? { ...among, _updatedAt: { $gt: since } } : among;
			const rooms = await store.rooms.find(changed, { projection: PUBLISHED }).toArray();
			update.push(...(await publishedRooms(store, rooms)));
		}
	}
	const remove = new Map<string, Removed>();
	for (const { rid, _deletedAt } of since ? await removedPlaces(asking, since) : []) {
		if (rid !== undefined && !own.has(rid)) remove.set(rid, { _id: rid, _deletedAt });
	}
	return { update, remove: [...remove.values()] };
}

/** A moment, as a date or as text: queries have nothing else. */
const Since = Match.Optional(Match.OneOf(String, Date));

/** @throws ClientError `error-updatedSince-param-invalid` */
function dateOf(since: string | Date | undefined, methodName: string): Date | undefined {
	if (since === undefined) return undefined;
	const date = new Date(since);
	if (Number.isNaN(date.getTime())) throw clientError('invalidSince', { method: methodName });
	return date;
}

export const roomsOverRest = method({
	name: 'rooms.get',
	args: { updatedSince: Since },
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: "The caller's rooms as {update, remove}; those changed since a moment, if one is given",
	run: ({ updatedSince }, context) => roomsSince(context, dateOf(updatedSince, context.name)),
});

export const roomsOverDdp = method({
	name: 'rooms/get',
	args: { updatedAt: Since },
	parallel: true,
	limit: READS,
	summary: "The caller's rooms as a list; as {update, remove}, if a date is given",
	async run({ updatedAt }, context) {
		const delta = await roomsSince(context, dateOf(updatedAt, context.name));
		return updatedAt === undefined ? delta.update : delta;
	},
});

export const placesOverRest = method({
	name: 'subscriptions.get',
	args: { updatedSince: Since },
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: "The caller's places in rooms as {update, remove}; those changed since a moment, if one is given",
	run: ({ updatedSince }, context) => placesSince(context, dateOf(updatedSince, context.name)),
});

export const placesOverDdp = method({
	name: 'subscriptions/get',
	args: { updatedAt: Since },
	parallel: true,
	limit: READS,
	summary: "The caller's places in rooms as a list; as {update, remove}, if a date is given",
	async run({ updatedAt }, context) {
		const delta = await placesSince(context, dateOf(updatedAt, context.name));
		return updatedAt === undefined ? delta.update : delta;
	},
});

export const onePlace = method({
	name: 'subscriptions.getOne',
	args: { roomId: String },
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: "The caller's place in one room, or null",
	async run({ roomId }, { store, userId }) {
		const place = await store.subscriptions.findOne({ rid: roomId, 'u._id': userId });
		return { subscription: place && shownPlace(place) };
	},
});
