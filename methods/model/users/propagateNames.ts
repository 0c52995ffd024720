/**
 * Copies a new user name or display name of a user to the other documents that contain it: memberships, rooms created by
 * the user, and direct rooms.
 */
import { batchesOf } from '../../../shared/batches.js';
import type { Subscription, User } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { exists } from '../exists.js';
import { forEachInParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { throwIfAborted } from '../signal.js';
import { renameDirectRooms, renameInDirectRoom } from './directRoomNames.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;

/** Number of rooms updated in one write. */
const BATCH = 100;

/**
 * Updates the user name in the rooms that the user created. The ids of all these rooms are read in one query, because no
 * index covers it: each page would be another search through all rooms.
 */
async function renameCreator({ store, signal }: Context, userId: string, username: string): Promise<void> {
	const withFormerName = { 'u._id': userId, 'u.username': { $ne: username } };
	const ids: string[] = [];
	for await (const { _id } of store.rooms.find(withFormerName, { projection: { _id: 1 } })) ids.push(_id);
	for (const batch of batchesOf(ids, BATCH)) {
		throwIfAborted(signal);
		await store.rooms.updateMany({ _id: { $in: batch } }, { $set: { 'u.username': username } });
	}
}

/**
 * Updates the user name in the rooms that the user created, in the field `usernames` of direct rooms, and in the user's
 * memberships. Each membership is written after its room, so that after an interruption the memberships with the former
 * name show what is left to do.
 * @param isNewName true: this call has changed the name; false: it only completes an interrupted call, if there is one
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
 * Copies a new user name or display name to all other documents that contain it. Notifies the members whose memberships
 * change. A repeated call completes an interrupted one.
 * @param user as it was before the call
 * @param newNames the names in the call, which the user's own document has by now; an absent name does not change
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
