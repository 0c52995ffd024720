/** The queue of members who need the key of a room (`contract/rocketchat-e2e.md` 5.1, 5.2; `contract/beyond.md` E9). */
import type { Room } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Filter, Store } from '../../shared/store.js';

/** Most who wait in one room; beyond it the longest waiting drop out. */
export const MOST_WAITING = 50;

/** Rooms looked at in one query. */
const BATCH = 100;

type Context = Pick<MethodContext, 'store' | 'events'>;

/** Whether the user has identity keys: without a public key nobody can seal a room key for them. */
export async function hasIdentity(store: Store, userId: string): Promise<boolean> {
	const filter = { _id: userId, 'e2e.public_key': { $exists: true } };
	return (await store.users.findOne(filter, { projection: { _id: 1 } })) !== null;
}

/** Whether the user is a member of the room who has not got its key. */
async function lacksKey(store: Store, rid: string, userId: string): Promise<boolean> {
	const filter = { rid, 'u._id': userId, E2EKey: { $exists: false }, status: { $ne: 'INVITED' } };
	return (await store.subscriptions.findOne(filter, { projection: { _id: 1 } })) !== null;
}

async function mayWait(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await lacksKey(store, rid, userId)) && (await hasIdentity(store, userId));
}

/**
 * Puts a user into the queue of an encrypted room, if they are a member without its key and have identity keys. The room
 * is told. Who is in the queue already stays where they are.
 * @returns whether the queue has changed
 */
export async function enqueue(context: Context, rid: string, userId: string): Promise<boolean> {
	const { store, events } = context;
	if (!(await mayWait(store, rid, userId))) return false;
	const room = await store.rooms.findOneAndUpdate(
		notQueued(rid, userId),
		{ $push: { usersWaitingForE2EKeys: { $each: [{ userId, ts: new Date() }], $slice: -MOST_WAITING } } },
		{ returnDocument: 'after' },
	);
	if (!room) return false;
	// Who got the key, left or lost their identity in that moment was taken out of the queue before they were in it.
	if (!(await mayWait(store, rid, userId))) {
		await dequeue(context, rid, [userId]);
		return false;
	}
	events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	return true;
}

function notQueued(rid: string, userId: string): Filter<Room> {
	return { _id: rid, encrypted: true, 'usersWaitingForE2EKeys.userId': { $ne: userId } };
}

/**
 * Takes users out of the queue of a room: they have its key, have left, or have nothing it could be sealed with. The
 * room is told, whether or not somebody else still waits.
 * @returns whether the queue has changed
 */
export async function dequeue({ store, events }: Context, rid: string, userIds: readonly string[]): Promise<boolean> {
	const who = { $in: [...userIds] };
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, 'usersWaitingForE2EKeys.userId': who },
		{ $pull: { usersWaitingForE2EKeys: { userId: who } } },
		{ returnDocument: 'after' },
	);
	if (!room) return false;
	if (room.usersWaitingForE2EKeys?.length === 0) {
		await store.rooms.updateOne(
			{ _id: rid, usersWaitingForE2EKeys: { $size: 0 } },
			{ $unset: { usersWaitingForE2EKeys: 1 } },
		);
		delete room.usersWaitingForE2EKeys;
	}
	events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	return true;
}

/** Ids of the rooms where the user is a member without the key, in batches. */
async function* keylessRooms(store: Store, userId: string): AsyncIterable<string[]> {
	let last = '';
	for (;;) {
		const places = await store.subscriptions
			.find(
				{ 'u._id': userId, _id: { $gt: last }, E2EKey: { $exists: false } },
				{ projection: { rid: 1 }, sort: { _id: 1 }, limit: BATCH },
			)
			.toArray();
		if (places.length > 0) yield places.map(({ rid }) => rid);
		if (places.length < BATCH) return;
		last = places.at(-1)?._id as string;
	}
}

/** Puts a user into the queue of every encrypted room they are a member of without having its key. */
export async function enqueueEverywhere(context: Context, userId: string): Promise<void> {
	const { store } = context;
	if (!(await hasIdentity(store, userId))) return;
	for await (const rids of keylessRooms(store, userId)) {
		const open = { _id: { $in: rids }, encrypted: true, 'usersWaitingForE2EKeys.userId': { $ne: userId } };
		const rooms = await store.rooms.find(open, { projection: { _id: 1 } }).toArray();
		for (const { _id } of rooms) await enqueue(context, _id, userId);
	}
}
