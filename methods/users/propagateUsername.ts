/** Where else the name of a user stands: in their places, in the rooms they made, in direct rooms. */
import type { MethodContext } from '../../shared/method.js';

/**
 * Writes a user's name wherever another one stands. Their own places are told of. A place is the last to change of what
 * belongs to it, so that repeating this completes what was broken off.
 * @param username as it stands in the user's own document
 * @param isNew whether it was another before; if not, a look at their places tells whether something was left undone
 */
export async function propagateUsername(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	username: string,
	isNew: boolean,
): Promise<void> {
	const unchanged = { 'u._id': userId, 'u.username': { $ne: username } };
	if (!isNew && !(await store.subscriptions.findOne(unchanged, { projection: { _id: 1 } }))) return;
	await store.rooms.updateMany(unchanged, { $set: { 'u.username': username } });
	for await (const { _id, rid, u } of store.subscriptions.find(unchanged)) {
		const former = u.username;
		const room = former === undefined ? null : await store.rooms.findOne({ _id: rid, uids: userId, usernames: former });
		if (room && former !== undefined) {
			// The others' places bear the name of whom the room is with.
			const others = { rid, 'u._id': { $ne: userId }, name: former };
			await store.subscriptions.updateMany(others, { $set: { name: username } });
			const usernames = room.usernames?.map((name) => (name === former ? username : name)) ?? [];
			await store.rooms.updateOne({ _id: rid }, { $set: { usernames } });
		}
		const document = await store.subscriptions.findOneAndUpdate(
			{ _id },
			{ $set: { 'u.username': username } },
			{ returnDocument: 'after' },
		);
		if (document) events.emit('changed', { collection: 'subscriptions', action: 'updated', document });
	}
}
