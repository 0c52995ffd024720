/**
 * The key queue of a room: the members who wait for its key (`test/contract/rocketchat-e2e.md` 5.1, 5.2;
 * `test/contract/beyond.md` E9).
 */
import type { Room } from '../../../shared/documents.js';
import { type Filter, isReadOnly, type Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { inParallel } from '../inParallel.js';
import { MEMBER, userIdsOfMemberships } from '../memberships/members.js';
import { roomsOfUser } from '../memberships/roomsOfUser.js';
import { listOf } from '../storedLists.js';
import { WITHOUT_KEY_OR_OFFER, WITHOUT_OWN_KEY } from './storedKeys.js';
import { hasIdentity, usersWithIdentity } from './usersWithIdentity.js';

/** Maximum number of queued members of one room. Above it, those who have waited longest are removed. */
export const MAX_WAITING = 50;

/** None of these holds if another program has stored a value that `$push` cannot extend, such as null. */
const ABSENT_OR_QUEUE: readonly Filter<Room>[] = [
	{ usersWaitingForE2EKeys: { $exists: false } },
	{ usersWaitingForE2EKeys: { $size: 0 } },
	{ 'usersWaitingForE2EKeys.userId': { $exists: true } },
];

/** Matches memberships of these users, if they are members without an `E2EKey`. */
const whereKeyless = (rid: string, userId: string | { $in: string[] }) =>
	({ rid, 'u._id': userId, ...WITHOUT_OWN_KEY, ...MEMBER }) as const;

/**
 * Whether the user is a member with identity keys and without an `E2EKey`. An offer does not matter, because
 * `enqueueAndDropOffer` removes it only afterwards.
 */
async function mayBeQueued(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await exists(store.subscriptions, whereKeyless(rid, userId))) && (await hasIdentity(store, userId));
}

/**
 * Puts a user into the queue of an encrypted room, if `mayBeQueued` allows it. Notifies the room. A user who is already
 * queued keeps their position.
 * @returns whether the user was added to the queue
 */
export async function enqueue(store: Store, rid: string, userId: string): Promise<boolean> {
	if (!(await mayBeQueued(store, rid, userId))) return false;
	const entry = { userId, ts: new Date() };
	const room =
		(await store.rooms.findOneAndUpdate(
			{ _id: rid, ...whereNotQueued(userId), $or: ABSENT_OR_QUEUE },
			{ $push: { usersWaitingForE2EKeys: { $each: [entry], $slice: -MAX_WAITING } } },
			{ returnDocument: 'after' },
		)) ??
		(await store.rooms.findOneAndUpdate(
			{ _id: rid, ...whereNotQueued(userId), $nor: ABSENT_OR_QUEUE },
			{ $set: { usersWaitingForE2EKeys: [entry] } },
			{ returnDocument: 'after' },
		));
	if (!room) return false;
	// Checked again: meanwhile a concurrent call may have given the user the key, or removed the membership or the
	// identity keys.
	if (!(await mayBeQueued(store, rid, userId))) {
		await removeServedUsers(store, rid, [userId]);
		return false;
	}
	return true;
}

/** The ids of the users in the queue of a room, in order. Malformed entries of other programs are left out. */
export function userIdsOfQueue({ usersWaitingForE2EKeys }: Pick<Room, 'usersWaitingForE2EKeys'>): string[] {
	return listOf(usersWaitingForE2EKeys).flatMap((entry) => (typeof entry?.userId === 'string' ? [entry.userId] : []));
}

/** Whether a user is in the queue of a room. */
export const isQueued = (room: Room, userId: string): boolean => userIdsOfQueue(room).includes(userId);

/** Matches encrypted rooms whose queue does not contain the user. */
function whereNotQueued(userId: string): Filter<Room> {
	return { encrypted: true, 'usersWaitingForE2EKeys.userId': { $ne: userId } };
}

/**
 * Removes users from the queue of a room. Unlike `removeServedUsers`, it queues nobody again.
 * @returns whether the queue has changed, and so the room was notified
 */
export async function dequeue(store: Store, rid: string, userIds: readonly string[]): Promise<boolean> {
	const inUserIds = { $in: [...userIds] };
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, 'usersWaitingForE2EKeys.userId': inUserIds },
		{ $pull: { usersWaitingForE2EKeys: { userId: inUserIds } } },
		{ returnDocument: 'after', silent: true },
	);
	if (!room) return false;
	if (room.usersWaitingForE2EKeys?.length === 0) await removeEmptyQueue(store, rid);
	else await store.rooms.announce('updated', room);
	return true;
}

/**
 * Removes these users, who need not wait any more, from the queue of a room: they were served with a key or an offer,
 * or may not be queued. A user for whom a concurrent call has changed that, so that they must wait, is queued again.
 * @returns whether the queue has changed, and so the room was notified
 */
export async function removeServedUsers(store: Store, rid: string, userIds: readonly string[]): Promise<boolean> {
	if (!(await dequeue(store, rid, userIds))) return false;
	const memberships = await store.subscriptions
		.find({ rid, 'u._id': { $in: [...userIds] }, ...WITHOUT_KEY_OR_OFFER }, { projection: { 'u._id': 1 } })
		.toArray();
	for (const { u } of memberships) await enqueue(store, rid, u._id);
	return true;
}

async function removeEmptyQueue(store: Store, rid: string): Promise<void> {
	await store.rooms.updateOne(
		{ _id: rid, usersWaitingForE2EKeys: { $size: 0 } },
		{ $unset: { usersWaitingForE2EKeys: 1 } },
	);
}

/**
 * Removes the users who may not be queued from the queue of a room. Interrupted calls leave such users. Does nothing in
 * a read-only store.
 */
export async function tidyQueue(store: Store, rid: string): Promise<void> {
	if (isReadOnly(store)) return;
	const room = await store.rooms.findOne(
		{ _id: rid, usersWaitingForE2EKeys: { $exists: true } },
		{ projection: { usersWaitingForE2EKeys: 1 } },
	);
	if (!room) return;
	const ids = userIdsOfQueue(room);
	if (ids.length === 0) return removeEmptyQueue(store, rid);
	const keyless = whereKeyless(rid, { $in: ids });
	const memberships = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const mayWait = await usersWithIdentity(
		store,
		memberships.map(({ u }) => u._id),
	);
	const toRemove = ids.filter((id) => !mayWait.has(id));
	if (toRemove.length > 0) await removeServedUsers(store, rid, toRemove);
}

/** Puts a user into the queues of all their encrypted rooms in which they have no `E2EKey`. */
export async function enqueueEverywhere(store: Store, userId: string): Promise<void> {
	if (!(await hasIdentity(store, userId))) return;
	const options = { memberships: WITHOUT_OWN_KEY, rooms: whereNotQueued(userId), roomFields: { _id: 1 } } as const;
	for await (const { rooms } of roomsOfUser(store, userId, options)) {
		await inParallel(rooms, ({ _id }) => enqueue(store, _id, userId));
	}
}

/** Removes a user from the queues of all their rooms, and removes empty queues. Notifies the rooms. */
export async function dequeueEverywhere(store: Store, userId: string): Promise<void> {
	// A crash between the two writes of `dequeue` leaves an empty queue.
	const whereQueued = { $or: [{ 'usersWaitingForE2EKeys.userId': userId }, { usersWaitingForE2EKeys: { $size: 0 } }] };
	const options = { memberships: {}, rooms: whereQueued, roomFields: { usersWaitingForE2EKeys: 1 } } as const;
	for await (const { rooms } of roomsOfUser(store, userId, options)) {
		await inParallel(rooms, async ({ _id, usersWaitingForE2EKeys }) => {
			if (usersWaitingForE2EKeys?.length) await dequeue(store, _id, [userId]);
			else await removeEmptyQueue(store, _id);
		});
	}
}

/** Queues the members of a room who have identity keys and no `E2EKey`, up to `MAX_WAITING`. */
export async function enqueueKeyless(store: Store, rid: string): Promise<void> {
	const userIds: string[] = [];
	for await (const ids of userIdsOfMemberships(store, rid, { ...WITHOUT_OWN_KEY, ...MEMBER })) {
		userIds.push(...(await usersWithIdentity(store, ids)));
		if (userIds.length >= MAX_WAITING) break;
	}
	const toQueue = userIds.slice(0, MAX_WAITING);
	if (toQueue.length === 0) return;
	const ts = new Date();
	const room = await store.rooms.findOneAndUpdate(
		{ _id: rid, encrypted: true, usersWaitingForE2EKeys: { $exists: false } },
		{ $set: { usersWaitingForE2EKeys: toQueue.map((userId) => ({ userId, ts })) } },
		{ returnDocument: 'after' },
	);
	if (!room) {
		for (const userId of toQueue) await enqueue(store, rid, userId);
		return;
	}
	// Checked again, as in `enqueue`.
	const toRemove = [];
	for (const userId of toQueue) if (!(await mayBeQueued(store, rid, userId))) toRemove.push(userId);
	if (toRemove.length > 0) await removeServedUsers(store, rid, toRemove);
}
