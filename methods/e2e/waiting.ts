/** Members of a room without its key, read in pages: a room may have very many (`contract/beyond.md` T3). */
import type { Subscription } from '../../shared/documents.js';
import type { Filter, Store } from '../../shared/store.js';
import { placesOf } from '../rooms/members.js';
import { MEMBER } from './slots.js';

/** A user whom a key can be sealed for. */
export interface Sealable {
	readonly _id: string;
	readonly public_key: string;
}

/** Ids of the members of a room whose places fit the filter, in their order, a page at a time. */
export async function* memberPages(store: Store, rid: string, places: Filter<Subscription>): AsyncIterable<string[]> {
	for await (const page of placesOf(store, rid, { ...MEMBER, ...places }, { 'u._id': 1 })) {
		yield page.map(({ u }) => u._id);
	}
}

const hasIdentity = (userIds: readonly string[]) => ({
	_id: { $in: [...userIds] },
	'e2e.public_key': { $exists: true },
});

/** How many of the users have identity keys. */
export function countSealable(store: Store, userIds: readonly string[]): Promise<number> {
	return store.users.countDocuments(hasIdentity(userIds));
}

/** Those of the users who have identity keys, in the order of their ids. */
export async function sealable(store: Store, userIds: readonly string[]): Promise<Sealable[]> {
	if (userIds.length === 0) return [];
	const options = { projection: { 'e2e.public_key': 1 }, sort: { _id: 1 } } as const;
	const users = await store.users.find(hasIdentity(userIds), options).toArray();
	return users.map(({ _id, e2e }) => ({ _id, public_key: e2e?.public_key as string }));
}
