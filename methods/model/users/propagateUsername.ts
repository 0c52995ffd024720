/**
 * Copies a new user name to the other documents that contain it: memberships, rooms created by the user, and direct
 * rooms.
 */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { exists } from '../exists.js';
import { forEachInParallel } from '../inParallel.js';
import { pagesOf } from '../pages.js';
import { throwIfAborted } from '../signal.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'signal'>;

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

/** In a direct room, the memberships of the others are named after this user. */
async function renameInDirectRoom(
	{ store }: Context,
	{ rid, u: { _id: userId, username: former } }: Subscription,
	username: string,
): Promise<void> {
	if (former === undefined) return;
	const room = await store.rooms.findOne({ _id: rid, uids: userId, usernames: former });
	if (!room) return;
	const others = { rid, 'u._id': { $ne: userId }, name: former };
	await store.subscriptions.updateMany(others, { $set: { name: username } });
	const usernames = room.usernames?.map((name) => (name === former ? username : name)) ?? [];
	await store.rooms.updateOne({ _id: rid }, { $set: { usernames } });
}

/**
 * Updates a user's name in all these documents, and notifies the user of the memberships. Each membership is written
 * after the documents that belong to it, so that a repeated call completes an interrupted one.
 * @param username the name in the user's own document
 * @param isNew whether it has just changed; if not, the memberships show whether an earlier call was interrupted
 */
export async function propagateUsername(
	context: Context,
	userId: string,
	username: string,
	isNew: boolean,
): Promise<void> {
	const { store, events, signal } = context;
	const unchanged = { 'u._id': userId, 'u.username': { $ne: username } };
	if (!isNew && !(await exists(store.subscriptions, unchanged))) return;
	await renameCreator(context, userId, username);
	throwIfAborted(signal);
	const rename = async (membership: Subscription) => {
		await renameInDirectRoom(context, membership, username);
		const document = await store.subscriptions.findOneAndUpdate(
			{ _id: membership._id },
			{ $set: { 'u.username': username } },
			{ returnDocument: 'after' },
		);
		if (document) events.emit('changed', { collection: 'subscriptions', action: 'updated', document });
	};
	const options = { projection: { rid: 1, u: 1 }, signal } as const;
	await forEachInParallel(pagesOf(store.subscriptions, unchanged, options), rename, signal);
}
