/** Rooms that would be left without an owner, or without any member. */
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { MEMBER } from '../memberships/members.js';
import { DELETION_FIELDS, isLastMember } from './lastMember.js';

/** Ids of the rooms that have other members, but no other owner than this user. */
async function onlyOwnedBy(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find(
		{ 'u._id': userId, roles: 'owner' },
		{ projection: { rid: 1 } },
	)) {
		const others = { rid, 'u._id': { $ne: userId }, ...MEMBER };
		const owner = await exists(store.subscriptions, { ...others, roles: 'owner' });
		if (!owner && (await exists(store.subscriptions, others))) rids.push(rid);
	}
	return rids;
}

/**
 * Ids of the channels and groups that would be deleted with this user. Direct rooms are not included, because they are
 * useless without the user.
 */
async function deletedWith(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find({ 'u._id': userId }, { projection: { rid: 1 } })) {
		const room = await store.rooms.findOne({ _id: rid, t: { $ne: 'd' } }, { projection: DELETION_FIELDS });
		if (room && (await isLastMember(store, room, userId))) rids.push(rid);
	}
	return rids;
}

/**
 * Checks whether a user may be deleted or deactivated if some of their rooms would need a new owner or be deleted.
 * @param isLeaving true: the user leaves their rooms; false: the user is only deactivated
 * @param confirmed whether the caller has confirmed it; without a confirmation such rooms lead to a refusal
 * @returns ids of the rooms that need a new owner
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
	const shouldBeRemoved = isLeaving ? await deletedWith(store, userId) : [];
	if (shouldChangeOwner.length > 0 || shouldBeRemoved.length > 0)
		throw clientError('userIsLastOwner', { shouldChangeOwner, shouldBeRemoved });
	return [];
}

/** Makes the longest-standing member the owner of each of these rooms, which only this user owns. */
export async function handOverRooms(store: Store, userId: string, rids: readonly string[]): Promise<void> {
	for (const rid of rids) {
		const [newOwner] = await store.subscriptions
			.find({ rid, 'u._id': { $ne: userId }, ...MEMBER }, { projection: { _id: 1 }, sort: { ts: 1, _id: 1 }, limit: 1 })
			.toArray();
		if (newOwner) await store.subscriptions.updateOne({ _id: newOwner._id }, { $addToSet: { roles: 'owner' } });
	}
}
