/** The places of one user in all their rooms, a page at a time, and what the end of an identity key means for them. */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { hasHolder, isLastHolder, tellNoHolder } from './holders.js';
import { inBatches } from './inBatches.js';
import { archiveAllKeys } from './memberKeys.js';
import { holdsKey } from './offers.js';
import { dequeue, removeEmptyQueue } from './queue.js';

/** Places read in one query. */
const PAGE = 500;

type Context = Pick<MethodContext, 'store' | 'events'>;

/**
 * Reads the places of a user. They may change meanwhile: each is seen once, whatever becomes of it.
 * @param only what they must be like, beside being the user's
 */
export async function* ownPlaces(
	store: Store,
	userId: string,
	only: Filter<Subscription> = {},
): AsyncGenerator<Subscription[]> {
	let last = '';
	for (;;) {
		const page = await store.subscriptions
			.find({ ...only, 'u._id': userId, _id: { $gt: last } }, { sort: { _id: 1 }, limit: PAGE })
			.toArray();
		if (page.length > 0) yield page;
		if (page.length < PAGE) return;
		last = page.at(-1)?._id as string;
	}
}

/** Something is sealed for the user there, whether they have taken it yet or not. */
const FILLED: Filter<Subscription> = {
	$or: [
		{ E2EKey: { $exists: true } },
		{ E2ESuggestedKey: { $exists: true } },
		{ suggestedOldRoomKeys: { $exists: true } },
		{ e2eKnownKeys: { $exists: true } },
	],
};

/** The key ids of the rooms of these places. */
async function keyIdsOf(store: Store, places: readonly Subscription[]) {
	const rooms = store.rooms.find({ _id: { $in: places.map(({ rid }) => rid) } }, { projection: { e2eKeyId: 1 } });
	return new Map((await rooms.toArray()).map(({ _id, e2eKeyId }) => [_id, e2eKeyId]));
}

/**
 * Archives all keys of a user, whose identity key they are sealed for no more, and drops what was offered. The user is
 * notified of each membership, and a room that has lost its last holder by it is notified too.
 * @returns whether there was such a room
 */
export async function emptyPlaces(context: Context, userId: string): Promise<boolean> {
	const { store } = context;
	let anyLost = false;
	for await (const page of ownPlaces(store, userId, FILLED)) {
		const keyIds = await keyIdsOf(store, page);
		await inBatches(page, async (membership) => {
			const { rid } = membership;
			const e2eKeyId = keyIds.get(rid);
			if (!(await archiveAllKeys(context, membership, e2eKeyId))) return;
			// Read afterwards: of the last two holders who give up at once, one at least must see it.
			if (!holdsKey(membership, { e2eKeyId }) || (await hasHolder(store, rid))) return;
			anyLost = true;
			tellNoHolder(context, rid, userId);
		});
	}
	return anyLost;
}

/** Whether the user alone holds the key of any room. */
export async function isLastHolderAnywhere(store: Store, userId: string): Promise<boolean> {
	for await (const page of ownPlaces(store, userId, { E2EKey: { $exists: true } })) {
		for (const { rid } of page) if (await isLastHolder(store, rid, userId)) return true;
	}
	return false;
}

/** Removes a user from the queues of all their rooms. The rooms are notified. */
export async function leaveQueues(context: Context, userId: string): Promise<void> {
	const { store } = context;
	// An empty queue is what a crash leaves of one that was about to be removed.
	const queued = { $or: [{ 'usersWaitingForE2EKeys.userId': userId }, { usersWaitingForE2EKeys: { $size: 0 } }] };
	for await (const page of ownPlaces(store, userId)) {
		const among = { _id: { $in: page.map(({ rid }) => rid) }, ...queued };
		const rooms = await store.rooms.find(among, { projection: { usersWaitingForE2EKeys: 1 } }).toArray();
		await inBatches(rooms, async ({ _id, usersWaitingForE2EKeys }) => {
			if (usersWaitingForE2EKeys?.length) await dequeue(context, _id, [userId]);
			else await removeEmptyQueue(store, _id);
		});
	}
}
