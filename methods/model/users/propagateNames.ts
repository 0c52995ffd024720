/**
 * Copies new names of a user to the other documents that contain them: memberships, rooms created by the user, and
 * direct rooms.
 */
import type { Subscription, User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { exists } from '../exists.js';
import { forEachInParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { throwIfAborted } from '../signal.js';
import { renameDirectRooms, renameInDirectRoom } from './directRoomNames.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;

/** Rooms written in one batch. */
const BATCH = 100;

/** No index covers this query, so one scan finds the ids of these rooms. */
async function renameCreator({ store, signal }: Context, userId: string, username: string): Promise<void> {
	const unchanged = { 'u._id': userId, 'u.username': { $ne: username } };
	const ids: string[] = [];
	for await (const { _id } of store.rooms.find(unchanged, { projection: { _id: 1 } })) ids.push(_id);
	for (let i = 0; i < ids.length; i += BATCH) {
		throwIfAborted(signal);
		const among = { _id: { $in: ids.slice(i, i + BATCH) } };
		await store.rooms.updateMany(among, { $set: { 'u.username': username } });
	}
}

/**
 * Updates a user's name in the rooms the user created, in the lists of direct rooms, and in the user's memberships.
 * Each membership is written after the documents that belong to it, so that a repeated call completes an interrupted
 * one.
 */
async function renameUser(context: Context, userId: string, username: string, isNew: boolean): Promise<void> {
	const { store, signal } = context;
	const unchanged = { 'u._id': userId, 'u.username': { $ne: username } };
	if (!isNew && !(await exists(store.subscriptions, unchanged))) return;
	await renameCreator(context, userId, username);
	throwIfAborted(signal);
	const rename = async (membership: Subscription) => {
		await renameInDirectRoom(context, membership, username);
		await store.subscriptions.updateOne({ _id: membership._id }, { $set: { 'u.username': username } });
	};
	const options = { projection: { rid: 1, u: 1 }, signal } as const;
	await forEachInParallel(pagesOf(store.subscriptions, unchanged, options), rename, signal);
}

/**
 * Copies a user's names from the user's own document to all these documents, and notifies the members of the
 * memberships. A repeated call completes an interrupted one.
 * @param user as it was before the call
 * @param given the names in the call, which the user's own document has by now; absent ones do not change
 */
export async function propagateNames(
	context: Context,
	user: Pick<User, '_id' | 'username'>,
	given: Pick<User, 'username' | 'name'>,
): Promise<void> {
	if (given.username !== undefined) {
		await renameUser(context, user._id, given.username, given.username !== user.username);
	}
	if (given.username !== undefined || given.name !== undefined) await renameDirectRooms(context, user._id);
}
