/** Members and memberships of a room: checks, look-ups, and reading in pages. */
import type { Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { pagesOf } from '../pages.js';

/** Matches the memberships of members. An invited user has a membership, but is not a member yet. */
export const MEMBER = { status: { $ne: 'INVITED' } } as const satisfies Filter<Subscription>;

/** Whether the user is a member of the room. */
export function isMember(store: Store, rid: string, userId: string): Promise<boolean> {
	return exists(store.subscriptions, { rid, 'u._id': userId, ...MEMBER });
}

/** The membership of a user in a room; null for a user who is not a member. */
export function findMembership(store: Store, rid: string, userId: string): Promise<Subscription | null> {
	return store.subscriptions.findOne({ rid, 'u._id': userId, ...MEMBER });
}

/** @throws ClientError `error-subscription-not-found` for a user who is not a member */
export async function requireMembership(store: Store, rid: string, userId: string): Promise<Subscription> {
	const membership = await findMembership(store, rid, userId);
	if (!membership) throw clientError('subscriptionNotFound');
	return membership;
}

/**
 * Reads the memberships of a room in pages, ordered by user id.
 * @param projection fields to read in addition to `_id` and the user id; all by default
 * @param size number of memberships in a page
 */
export function membershipsOf(
	store: Store,
	rid: string,
	extraFilter?: Filter<Subscription>,
	projection?: Readonly<Record<string, 1>>,
	size?: number,
): AsyncGenerator<Subscription[]> {
	// `$and`, so that `extraFilter` cannot replace `rid`.
	const filter = { rid, ...(extraFilter && { $and: [extraFilter] }) };
	return pagesOf(store.subscriptions, filter, { key: 'u._id', projection, ...(size && { size }) });
}

/**
 * Reads the user ids of a room's memberships, in pages as `membershipsOf`. Includes invited users, unless the filter
 * excludes them.
 */
export async function* userIdsOfMemberships(
	store: Store,
	rid: string,
	extraFilter: Filter<Subscription>,
): AsyncGenerator<string[]> {
	for await (const page of membershipsOf(store, rid, extraFilter, { 'u._id': 1 })) yield page.map(({ u }) => u._id);
}

/** Adds a room to the rooms that a user's document lists. @returns the user's name; null if the user does not exist */
export function addRoomToUser(
	store: Store,
	userId: string,
	rid: string,
): Promise<Pick<User, '_id' | 'username'> | null> {
	return store.users.findOneAndUpdate(
		{ _id: userId },
		{ $addToSet: { __rooms: rid } },
		{ returnDocument: 'after', projection: { username: 1 }, silent: true },
	);
}

/** Removes a room from the rooms that a user's document lists. */
export async function removeRoomFromUser(store: Store, userId: string, rid: string): Promise<void> {
	await store.users.updateOne({ _id: userId, __rooms: rid }, { $pull: { __rooms: rid } }, { silent: true });
}
