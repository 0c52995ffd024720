/** Copies a changed name of a user to memberships, rooms created by the user, and direct rooms. */
import { batchesOf } from '../../../shared/batches.js';
import type { Subscription, User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { exists } from '../exists.js';
import { forEachInParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { throwIfAborted } from '../signal.js';
import { renameDirectRooms, renameInDirectRoom } from './directRoomNames.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;

const ROOMS_PER_WRITE = 100;

/**
 * Updates the user name in the rooms that the user created. One query reads all ids. No index covers it, so with pages,
 * each page would search all rooms.
 */
async function renameCreator({ store, signal }: Context, userId: string, username: string): Promise<void> {
	const withFormerName = { 'u._id': userId, 'u.username': { $ne: username } };
	const ids: string[] = [];
	for await (const { _id } of store.rooms.find(withFormerName, { projection: { _id: 1 } })) ids.push(_id);
	for (const batch of batchesOf(ids, ROOMS_PER_WRITE)) {
		throwIfAborted(signal);
		await store.rooms.updateMany({ _id: { $in: batch } }, { $set: { 'u.username': username } });
	}
}

/**
 * Updates the user name in rooms and memberships. Each membership is written after its room. After an interruption, the
 * memberships with the former name show what is left to do.
 * @param isNewName false: this call only completes an interrupted one
 */
async function renameUser(context: Context, userId: string, username: string, isNewName: boolean): Promise<void> {
	const { store, signal } = context;
	const withFormerName = { 'u._id': userId, 'u.username': { $ne: username } };
	if (!isNewName && !(await exists(store.subscriptions, withFormerName))) return;
	await renameCreator(context, userId, username);
	throwIfAborted(signal);
	const rename = async (membership: Subscription) => {
		await renameInDirectRoom(context, membership, username);
		await store.subscriptions.updateOne({ _id: membership._id }, { $set: { 'u.username': username } });
	};
	const options = { projection: { rid: 1, u: 1 }, signal } as const;
	await forEachInParallel(pagesOf(store.subscriptions, withFormerName, options), rename, signal);
	// A concurrent call may have changed the name again, and this call may have overwritten some of the newer names.
	const user = await store.users.findOne({ _id: userId }, { projection: { username: 1 } });
	if (typeof user?.username !== 'string' || user.username === username) return;
	await renameUser(context, userId, user.username, true);
}

/**
 * Copies new names of a user to the other documents that contain them. A repeated call completes an interrupted one.
 * @param user as it was before the call
 * @param newNames as they are in the user document by now; absent names have not changed
 */
export async function propagateNames(
	context: Context,
	user: Pick<User, '_id' | 'username'>,
	newNames: Pick<User, 'username' | 'name'>,
): Promise<void> {
	const { username, name } = newNames;
	if (username !== undefined) await renameUser(context, user._id, username, username !== user.username);
	if (username !== undefined || name !== undefined) await renameDirectRooms(context, user._id);
}
