/** Rooms that would be left without an owner, or without anybody. */
import { clientError } from '../../shared/errors.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { goesWith, LASTING } from '../rooms/last.js';
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

/** Ids of the channels and groups that would go with this user. Of a direct room nobody else has anything. */
async function goingWith(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find({ 'u._id': userId }, { projection: { rid: 1 } })) {
		const room = await store.rooms.findOne({ _id: rid, t: { $ne: 'd' } }, { projection: LASTING });
		if (room && (await goesWith(store, room, userId))) rids.push(rid);
	}
	return rids;
}

/**
 * Asks whether a user may go, whose rooms would not stay as they are.
 * @param isLeaving whether they leave their rooms, beside being barred
 * @param confirmed without it, such rooms are a reason to refuse
 * @returns ids of the rooms that are to be handed over
 * @throws ClientError `user-last-owner`, as Rocket.Chat, with the ids of the rooms
 */
export async function roomsToHandOver(
	store: Store,
	userId: string,
	isLeaving: boolean,
	confirmed: boolean | undefined,
): Promise<string[]> {
	const shouldChangeOwner = await onlyOwnedBy(store, userId);
	if (confirmed === true) return shouldChangeOwner;
	const shouldBeRemoved = isLeaving ? await goingWith(store, userId) : [];
	if (shouldChangeOwner.length > 0 || shouldBeRemoved.length > 0)
		throw clientError('userIsLastOwner', { shouldChangeOwner, shouldBeRemoved });
	return [];
}

/** Makes the longest member of each of these rooms, which only this user owns, its owner too. */
export async function handOverRooms(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	rids: readonly string[],
): Promise<void> {
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
