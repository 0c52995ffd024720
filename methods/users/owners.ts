/** Rooms that would be left without an owner. */
import { refusal } from '../../shared/errors.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { MEMBER } from '../rooms/members.js';

/** Ids of the rooms that have other members, but no other owner than this user. */
async function onlyOwnedBy(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find(
		{ 'u._id': userId, roles: 'owner' },
		{ projection: { rid: 1 } },
	)) {
		const others = { rid, 'u._id': { $ne: userId }, ...MEMBER };
		const owner = await store.subscriptions.findOne({ ...others, roles: 'owner' }, { projection: { _id: 1 } });
		if (!owner && (await store.subscriptions.findOne(others, { projection: { _id: 1 } }))) rids.push(rid);
	}
	return rids;
}

/**
 * Makes the longest member of each room that only this user owns its owner too.
 * @param confirmed without it, nothing is done and such rooms are a reason to refuse
 * @throws ClientError `user-last-owner`, as Rocket.Chat, with the ids of the rooms
 */
export async function handOverRooms(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	confirmed: boolean | undefined,
): Promise<void> {
	const rids = await onlyOwnedBy(store, userId);
	if (rids.length > 0 && confirmed !== true) {
		throw refusal('userIsLastOwner', { shouldChangeOwner: rids, shouldBeRemoved: [] });
	}
	for (const rid of rids) {
		const [heir] = await store.subscriptions
			.find({ rid, 'u._id': { $ne: userId }, ...MEMBER }, { projection: { _id: 1 }, sort: { ts: 1, _id: 1 }, limit: 1 })
			.toArray();
		const document =
			heir &&
			(await store.subscriptions.findOneAndUpdate(
				{ _id: heir._id },
				{ $addToSet: { roles: 'owner' } },
				{ returnDocument: 'after' },
			));
		if (document) events.emit('changed', { collection: 'subscriptions', action: 'updated', document });
	}
}
