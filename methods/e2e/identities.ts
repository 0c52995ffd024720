import type { Store } from '../../shared/store.js';

/** Those of some users who have identity keys: a room key can be sealed for them. */
export async function thoseWithIdentity(store: Store, userIds: readonly string[]): Promise<Set<string>> {
	const users = await store.users
		.find({ _id: { $in: [...userIds] }, 'e2e.public_key': { $exists: true } }, { projection: { _id: 1 } })
		.toArray();
	return new Set(users.map(({ _id }) => _id));
}
