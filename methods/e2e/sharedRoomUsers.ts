/** Who has to know that a user's identity key is another: those who share an encrypted room with them. */
import type { KeyHistoryEntry } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { MEMBER, placesOf } from '../rooms/members.js';
import { ownPlaces } from './ownMemberships.js';

/** Members looked at in one query. */
const BATCH = 100;

/** Ids of the other members of a room, in batches. */
async function* othersIn(store: Store, rid: string, userId: string): AsyncGenerator<string[]> {
	for await (const page of placesOf(store, rid, MEMBER, {}, BATCH)) {
		yield page.map(({ u }) => u._id).filter((id) => id !== userId);
	}
}

/** Those of these users who are in none of these rooms. */
async function notIn(store: Store, rids: readonly string[], userIds: readonly string[]): Promise<string[]> {
	const places = store.subscriptions.find(
		{ rid: { $in: [...rids] }, 'u._id': { $in: [...userIds] }, ...MEMBER },
		{ projection: { 'u._id': 1 } },
	);
	const there = new Set<string>();
	for await (const { u } of places) there.add(u._id);
	return userIds.filter((id) => !there.has(id));
}

/**
 * Ids of those who share an encrypted room with a user, each once. What is kept meanwhile is the ids of the user's rooms,
 * not those of all their members: who was in an earlier room has been met there.
 */
async function* acquaintances(store: Store, userId: string): AsyncGenerator<string> {
	const earlier: string[] = [];
	for await (const page of ownPlaces(store, userId, MEMBER)) {
		const encrypted = { _id: { $in: page.map(({ rid }) => rid) }, encrypted: true };
		for (const { _id: rid } of await store.rooms.find(encrypted, { projection: { _id: 1 } }).toArray()) {
			for await (const others of othersIn(store, rid, userId)) {
				yield* earlier.length === 0 ? others : await notIn(store, earlier, others);
			}
			earlier.push(rid);
		}
	}
}

/** Tells those who share an encrypted room with a user that the user's public key has changed (`test/contract/beyond.md` E15). */
export async function tellIdentityChanged(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	{ ts, hash }: KeyHistoryEntry,
): Promise<void> {
	for await (const other of acquaintances(store, userId)) {
		events.emit('notify', {
			stream: 'notify-user',
			eventName: `${other}/e2eIdentityChanged`,
			args: [userId, { ts, hash }],
		});
	}
}
