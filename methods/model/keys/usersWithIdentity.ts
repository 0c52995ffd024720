/** Queries for users with identity keys. Other users cannot receive room keys (`test/contract/beyond.md` E9). */
import type { User } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { isFitPublicKey } from './publicKey.js';

/** A user and their public key. */
export interface UserWithPublicKey {
	readonly _id: string;
	readonly public_key: string;
}

/** Matches these users if they have identity keys. */
export const whereIdentity = (_id: string | { $in: string[] }): Filter<User> => ({
	_id,
	'e2e.public_key': { $exists: true },
});

/** Whether the user has identity keys. */
export async function hasIdentity(store: Store, userId: string): Promise<boolean> {
	return exists(store.users, whereIdentity(userId));
}

/** Returns those of the given users who have identity keys. */
export async function usersWithIdentity(store: Store, userIds: readonly string[]): Promise<Set<string>> {
	if (userIds.length === 0) return new Set();
	const users = await store.users.find(whereIdentity({ $in: [...userIds] }), { projection: { _id: 1 } }).toArray();
	return new Set(users.map(({ _id }) => _id));
}

/** Counts those of the given users who have identity keys. */
export function countUsersWithIdentity(store: Store, userIds: readonly string[]): Promise<number> {
	return store.users.countDocuments(whereIdentity({ $in: [...userIds] }));
}

/** The properties of a user that `e2e.roomState` reports. */
export interface UserState {
	/** False for a deactivated user. */
	readonly isActive: boolean;
	readonly hasIdentity: boolean;
	/** Whether room keys can be sealed with the user's public key. */
	readonly hasFitKey: boolean;
}

/** The states of the given users, by user id; deleted users are left out. */
export async function userStates(store: Store, userIds: readonly string[]): Promise<Map<string, UserState>> {
	const options = { projection: { active: 1, 'e2e.public_key': 1 } } as const;
	const users = await store.users.find({ _id: { $in: [...userIds] } }, options).toArray();
	const states = new Map<string, UserState>();
	for (const { _id, active, e2e } of users) {
		const hasIdentity = e2e?.public_key !== undefined;
		const hasFitKey = hasIdentity && isFitPublicKey(e2e?.public_key);
		states.set(_id, { isActive: active !== false, hasIdentity, hasFitKey });
	}
	return states;
}

/** The given users who have identity keys, with their public keys, ordered by id. */
export async function publicKeysOf(store: Store, userIds: readonly string[]): Promise<UserWithPublicKey[]> {
	if (userIds.length === 0) return [];
	const options = { projection: { 'e2e.public_key': 1 }, sort: { _id: 1 } } as const;
	const users = await store.users.find(whereIdentity({ $in: [...userIds] }), options).toArray();
	return users.map(({ _id, e2e }) => ({ _id, public_key: e2e?.public_key as string }));
}
