/** The queue of members who need the key of a room (`test/contract/rocketchat-e2e.md` 5.1, 5.2; `test/contract/beyond.md` E9). */
import type { Room } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { listOf } from '../lists.js';
import { MEMBER, membershipsOf } from '../memberships/members.js';
import { hasIdentity, usersWithIdentity } from './identities.js';
import { inBatches } from './inBatches.js';
import { EMPTY, KEYLESS } from './storedKeys.js';

/** Most who wait in one room; beyond it the longest waiting drop out. */
export const MAX_WAITING = 50;

/** Rooms looked at in one query. */
const BATCH = 100;

type Context = Pick<MethodContext, 'store' | 'events'>;

/** Whether the user is a member of the room who has not got its key. */
async function lacksKey(store: Store, rid: string, userId: string): Promise<boolean> {
	const filter = { rid, 'u._id': userId, ...KEYLESS, ...MEMBER };
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
		{ $push: { usersWaitingForE2EKeys: { $each: [{ userId, ts: new Date() }], $slice: -MAX_WAITING } } },
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
		await removeEmptyQueue(store, rid);
		delete room.usersWaitingForE2EKeys;
	}
	events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	return true;
}

/**
 * Takes users out of the queue of a room who were given its key, or were offered it. Who has lost it again at that very
 * moment, by a reset or a refusal, is put back.
 * @returns whether the queue has changed
 */
export async function leaveQueue(context: Context, rid: string, userIds: readonly string[]): Promise<boolean> {
	const { store } = context;
	if (!(await dequeue(context, rid, userIds))) return false;
	const places = await store.subscriptions
		.find({ rid, 'u._id': { $in: [...userIds] }, ...EMPTY }, { projection: { 'u._id': 1 } })
		.toArray();
	for (const { u } of places) await enqueue(context, rid, u._id);
	return true;
}

/** Where nobody waits there is no queue. */
export async function removeEmptyQueue(store: Store, rid: string): Promise<void> {
	await store.rooms.updateOne(
		{ _id: rid, usersWaitingForE2EKeys: { $size: 0 } },
		{ $unset: { usersWaitingForE2EKeys: 1 } },
	);
}

/**
 * Takes those out of the queue of a room who do not wait any more. A call that was broken off after it gave a key would
 * leave its member there, and let providers ask for ever.
 */
export async function tidyQueue(context: Context, rid: string): Promise<void> {
	const { store } = context;
	const room = await store.rooms.findOne(
		{ _id: rid, usersWaitingForE2EKeys: { $exists: true } },
		{ projection: { usersWaitingForE2EKeys: 1 } },
	);
	if (!room) return;
	const waits = listOf(room.usersWaitingForE2EKeys).filter((place) => typeof place?.userId === 'string');
	const ids = waits.map(({ userId }) => userId);
	if (ids.length === 0) return removeEmptyQueue(store, rid);
	const keyless = { rid, 'u._id': { $in: ids }, ...KEYLESS, ...MEMBER };
	const places = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const waiting = await usersWithIdentity(
		store,
		places.map(({ u }) => u._id),
	);
	const gone = ids.filter((id) => !waiting.has(id));
	if (gone.length > 0) await leaveQueue(context, rid, gone);
}

/** Ids of the rooms where the user is a member without the key, in batches. */
async function* keylessRooms(store: Store, userId: string): AsyncIterable<string[]> {
	let last = '';
	for (;;) {
		const places = await store.subscriptions
			.find(
				{ 'u._id': userId, _id: { $gt: last }, ...KEYLESS },
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
		await inBatches(rooms, ({ _id }) => enqueue(context, _id, userId));
	}
}

/**
 * Puts the members of a room who lack its key, and have identity keys, into its queue: as many as it holds, in one write
 * where nobody waits yet. For a room that has just become encrypted.
 */
export async function enqueueKeyless(context: Context, rid: string): Promise<void> {
	const { store, events } = context;
	const userIds: string[] = [];
	for await (const page of membershipsOf(store, rid, { ...KEYLESS, ...MEMBER }, { 'u._id': 1 })) {
		const ids = page.map(({ u }) => u._id);
		userIds.push(...(await usersWithIdentity(store, ids)));
		if (userIds.length >= MAX_WAITING) break;
	}
	const first = userIds.slice(0, MAX_WAITING);
	if (first.length === 0) return;
	const ts = new Date();
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, encrypted: true, usersWaitingForE2EKeys: { $exists: false } },
		{ $set: { usersWaitingForE2EKeys: first.map((userId) => ({ userId, ts })) } },
		{ returnDocument: 'after' },
	);
	if (!room) {
		for (const userId of first) await enqueue(context, rid, userId);
		return;
	}
	events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	// As in `enqueue`: some may have got the key or left in that moment.
	const gone = [];
	for (const userId of first) if (!(await mayWait(store, rid, userId))) gone.push(userId);
	if (gone.length > 0) await dequeue(context, rid, gone);
}
