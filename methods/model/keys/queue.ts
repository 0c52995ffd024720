/** The queue of members who need the key of a room (`test/contract/rocketchat-e2e.md` 5.1, 5.2; `test/contract/beyond.md` E9). */
import type { Room } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { inParallel } from '../inParallel.js';
import { listOf } from '../lists.js';
import { MEMBER, memberIdsOf } from '../memberships/members.js';
import { pagesOf } from '../pages.js';
import { KEYLESS, WITHOUT_KEYS } from './storedKeys.js';
import { hasIdentity, usersWithIdentity } from './usersWithIdentity.js';

/** Maximum number of queued members of one room. Above it, those who have waited longest are removed. */
export const MAX_WAITING = 50;

/** Whether the user is a member of the room without its key. */
async function lacksKey(store: Store, rid: string, userId: string): Promise<boolean> {
	const filter = { rid, 'u._id': userId, ...KEYLESS, ...MEMBER };
	return exists(store.subscriptions, filter);
}

async function mayWait(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await lacksKey(store, rid, userId)) && (await hasIdentity(store, userId));
}

/**
 * Puts a user into the queue of an encrypted room, if they are a member without its key and have identity keys. The
 * room is notified. A user who is already queued keeps their position.
 * @returns whether the queue has changed
 */
export async function enqueue(store: Store, rid: string, userId: string): Promise<boolean> {
	if (!(await mayWait(store, rid, userId))) return false;
	const room = await store.rooms.findOneAndUpdate(
		notQueued(rid, userId),
		{ $push: { usersWaitingForE2EKeys: { $each: [{ userId, ts: new Date() }], $slice: -MAX_WAITING } } },
		{ returnDocument: 'after', silent: true },
	);
	if (!room) return false;
	// A concurrent call may have given the user the key, or removed the member or the identity, before the user was in
	// the queue.
	if (!(await mayWait(store, rid, userId))) {
		await dequeue(store, rid, [userId]);
		return false;
	}
	await store.rooms.announce('updated', room);
	return true;
}

/** Whether a user is in the queue of a room. */
export function isQueued({ usersWaitingForE2EKeys }: Room, userId: string): boolean {
	return listOf(usersWaitingForE2EKeys).some((entry) => entry?.userId === userId);
}

function notQueued(rid: string, userId: string): Filter<Room> {
	return { _id: rid, encrypted: true, 'usersWaitingForE2EKeys.userId': { $ne: userId } };
}

/**
 * Removes users from the queue of a room: they have its key, have left, or have no public key. Notifies the room.
 * Unlike `leaveQueue`, it does not check whether the users still lack the key.
 * @returns whether the queue has changed
 */
export async function dequeue(store: Store, rid: string, userIds: readonly string[]): Promise<boolean> {
	const who = { $in: [...userIds] };
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, 'usersWaitingForE2EKeys.userId': who },
		{ $pull: { usersWaitingForE2EKeys: { userId: who } } },
		{ returnDocument: 'after', silent: true },
	);
	if (!room) return false;
	if (room.usersWaitingForE2EKeys?.length === 0) await removeEmptyQueue(store, rid);
	else await store.rooms.announce('updated', room);
	return true;
}

/**
 * Removes users from the queue of a room who were given its key, or were offered it. Users who have lost it again
 * meanwhile, by a reset or a rejection, are queued again.
 * @returns whether the queue has changed
 */
export async function leaveQueue(store: Store, rid: string, userIds: readonly string[]): Promise<boolean> {
	if (!(await dequeue(store, rid, userIds))) return false;
	const memberships = await store.subscriptions
		.find({ rid, 'u._id': { $in: [...userIds] }, ...WITHOUT_KEYS }, { projection: { 'u._id': 1 } })
		.toArray();
	for (const { u } of memberships) await enqueue(store, rid, u._id);
	return true;
}

/** An empty queue is removed from the room. */
async function removeEmptyQueue(store: Store, rid: string): Promise<void> {
	await store.rooms.updateOne(
		{ _id: rid, usersWaitingForE2EKeys: { $size: 0 } },
		{ $unset: { usersWaitingForE2EKeys: 1 } },
	);
}

/**
 * Removes all users who no longer need the key from the queue of a room. Otherwise a call that was interrupted after it
 * stored a key would leave the member in the queue for ever.
 */
export async function tidyQueue(store: Store, rid: string): Promise<void> {
	const room = await store.rooms.findOne(
		{ _id: rid, usersWaitingForE2EKeys: { $exists: true } },
		{ projection: { usersWaitingForE2EKeys: 1 } },
	);
	if (!room) return;
	const waits = listOf(room.usersWaitingForE2EKeys).filter((entry) => typeof entry?.userId === 'string');
	const ids = waits.map(({ userId }) => userId);
	if (ids.length === 0) return removeEmptyQueue(store, rid);
	const keyless = { rid, 'u._id': { $in: ids }, ...KEYLESS, ...MEMBER };
	const memberships = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const waiting = await usersWithIdentity(
		store,
		memberships.map(({ u }) => u._id),
	);
	const gone = ids.filter((id) => !waiting.has(id));
	if (gone.length > 0) await leaveQueue(store, rid, gone);
}

/** Puts a user into the queue of every encrypted room they are a member of without having its key. */
export async function enqueueEverywhere(store: Store, userId: string): Promise<void> {
	if (!(await hasIdentity(store, userId))) return;
	for await (const page of pagesOf(store.subscriptions, { 'u._id': userId, ...KEYLESS }, { projection: { rid: 1 } })) {
		const rids = page.map(({ rid }) => rid);
		const open = { _id: { $in: rids }, encrypted: true, 'usersWaitingForE2EKeys.userId': { $ne: userId } };
		const rooms = await store.rooms.find(open, { projection: { _id: 1 } }).toArray();
		await inParallel(rooms, ({ _id }) => enqueue(store, _id, userId));
	}
}

/** Removes a user from the queues of all their rooms. The rooms are notified. */
export async function leaveQueues(store: Store, userId: string): Promise<void> {
	// A crash before the removal leaves an empty queue.
	const queued = { $or: [{ 'usersWaitingForE2EKeys.userId': userId }, { usersWaitingForE2EKeys: { $size: 0 } }] };
	for await (const page of pagesOf(store.subscriptions, { 'u._id': userId }, { projection: { rid: 1 } })) {
		const among = { _id: { $in: page.map(({ rid }) => rid) }, ...queued };
		const rooms = await store.rooms.find(among, { projection: { usersWaitingForE2EKeys: 1 } }).toArray();
		await inParallel(rooms, async ({ _id, usersWaitingForE2EKeys }) => {
			if (usersWaitingForE2EKeys?.length) await dequeue(store, _id, [userId]);
			else await removeEmptyQueue(store, _id);
		});
	}
}

/**
 * Puts the members of a room who lack its key, and have identity keys, into its queue, up to the limit; in one write if
 * the queue is empty. For a room that has just become encrypted.
 */
export async function enqueueKeyless(store: Store, rid: string): Promise<void> {
	const userIds: string[] = [];
	for await (const ids of memberIdsOf(store, rid, { ...KEYLESS, ...MEMBER })) {
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
		for (const userId of first) await enqueue(store, rid, userId);
		return;
	}
	// As in `enqueue`: some may have received the key or left meanwhile.
	const gone = [];
	for (const userId of first) if (!(await mayWait(store, rid, userId))) gone.push(userId);
	if (gone.length > 0) await dequeue(store, rid, gone);
}
