/** The rooms of a deleted or deactivated user that need a new owner, or are deleted with the user. */
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { MEMBER } from '../memberships/members.js';
import { DELETION_FIELDS, isDeletedWithMember } from './lastMember.js';

const otherMembers = (rid: string, userId: string) => ({ rid, 'u._id': { $ne: userId }, ...MEMBER });

/** Ids of the rooms that have other members, but no other owner than this user. */
async function roomsOnlyOwnedBy(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find(
		{ 'u._id': userId, roles: 'owner' },
		{ projection: { rid: 1 } },
	)) {
		const others = otherMembers(rid, userId);
		const hasOtherOwner = await exists(store.subscriptions, { ...others, roles: 'owner' });
		if (!hasOtherOwner && (await exists(store.subscriptions, others))) rids.push(rid);
	}
	return rids;
}

/**
 * Ids of the channels and groups that would be deleted with this user. The deletion of direct rooms needs no
 * confirmation.
 */
async function roomsDeletedWith(store: Store, userId: string): Promise<string[]> {
	const rids: string[] = [];
	for await (const { rid } of store.subscriptions.find({ 'u._id': userId }, { projection: { rid: 1 } })) {
		const room = await store.rooms.findOne({ _id: rid, t: { $ne: 'd' } }, { projection: DELETION_FIELDS });
		if (room && (await isDeletedWithMember(store, room, userId))) rids.push(rid);
	}
	return rids;
}

/**
 * Refuses to delete or deactivate a user without a confirmation, if rooms would need a new owner or be deleted.
 * @param options `isLeaving` true: the user is deleted; false: only deactivated. `confirmed` true: the caller accepts
 * that rooms get a new owner or are deleted
 * @returns ids of the rooms that need a new owner
 * @throws ClientError `user-last-owner` with the ids of the rooms, as in Rocket.Chat
 */
export async function requireHandOverConfirmation(
	store: Store,
	userId: string,
	{ isLeaving, confirmed }: { readonly isLeaving: boolean; readonly confirmed: boolean | undefined },
): Promise<string[]> {
	const needingOwner = await roomsOnlyOwnedBy(store, userId);
	if (confirmed === true) return needingOwner;
	const toDelete = isLeaving ? await roomsDeletedWith(store, userId) : [];
	if (needingOwner.length > 0 || toDelete.length > 0)
		throw clientError('userIsLastOwner', { shouldChangeOwner: needingOwner, shouldBeRemoved: toDelete });
	return [];
}

/**
 * Makes the active member with the oldest membership the owner of each of these rooms, which only this user owns. As in
 * Rocket.Chat, a room whose other members are all deactivated gets no new owner.
 */
export async function handOverRooms(store: Store, userId: string, rids: readonly string[]): Promise<void> {
	for (const rid of rids) {
		const oldestFirst = { projection: { 'u._id': 1 }, sort: { ts: 1, _id: 1 } } as const;
		for await (const { _id, u } of store.subscriptions.find(otherMembers(rid, userId), oldestFirst)) {
			if (!(await exists(store.users, { _id: u._id, active: { $ne: false } }))) continue;
			const { matchedCount } = await store.subscriptions.updateOne({ _id }, { $addToSet: { roles: 'owner' } });
			// A member who has left meanwhile cannot become the owner.
			if (matchedCount > 0) break;
		}
	}
}
