/** What a reset of a room's key does to the places of its members (`test/contract/rocketchat-e2e.md` 5.6). */
import type { Subscription, WaitingUser } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { MEMBER, membershipsOf } from '../memberships/members.js';
import { usersWithIdentity } from './identities.js';
import { archiveAllKeys, archiveCurrentKey, sameKeys } from './memberKeys.js';
import { offered } from './offers.js';
import { dequeue, enqueue, MAX_WAITING } from './queue.js';
import type { Lease } from './resetLock.js';
import { keyIdOf } from './sealedKey.js';
import { KEYLESS, keyIn } from './storedKeys.js';

/** The key a reset brings, as it is given. */
export interface NewKey {
	readonly rid: string;
	readonly e2eKey: string;
	readonly e2eKeyId: string;
}

/** Places emptied between two looks whether to go on. */
const BATCH = 100;

/** Places emptied at once: a store in files brings them onto the disk together, a database is asked but once in a while. */
const AT_ONCE = 20;

export interface ResetContext extends Pick<MethodContext, 'store' | 'events' | 'signal'> {
	readonly userId: string;
	readonly lease: Lease;
}

/** Whether there is a key in a place, or one offered, that is not known to be the new one. */
function hasFormerKey(place: Subscription, newKeyId: string): boolean {
	const key = keyIn(place) ?? offered(place);
	return key !== '' && keyIdOf(key) !== newKeyId;
}

/**
 * Puts away the keys of all others that are not the new one, each with one write, and drops what was offered to them.
 * @returns ids of some of those who lost something, no more than can wait
 */
export async function emptyOthers(context: ResetContext, newKeyId: string): Promise<string[]> {
	const { store, userId, lease } = context;
	const only: Filter<Subscription> = {
		'u._id': { $ne: userId },
		$or: [{ E2EKey: { $exists: true } }, { E2ESuggestedKey: { $exists: true } }],
	};
	const emptied: string[] = [];
	const pace = createYielder();
	for await (const page of membershipsOf(store, lease.rid, only, undefined, BATCH)) {
		if (context.signal.aborted) throw clientError('resetFailed');
		// A call that was held up, and has lost its lease, must not take away the keys of a later reset. What was read
		// before the lease proved good is older than any of those, and a place that holds another key by now is read again.
		await lease.renew();
		for (let i = 0; i < page.length; i += AT_ONCE) {
			const pause = pace();
			if (pause) await pause;
			const empty = (place: Subscription) =>
				archiveAllKeys(context, place, lease.formerKeyId, async (seen) => {
					if (seen !== place) await lease.renew();
					return hasFormerKey(seen, newKeyId);
				});
			for (const after of await Promise.all(page.slice(i, i + AT_ONCE).map(empty))) {
				if (after && emptied.length < MAX_WAITING) emptied.push(after.u._id);
			}
		}
	}
	return emptied;
}

/** Who is to wait for the new key: the first 50 of the others who have no key, and identity keys it can be sealed for. */
async function firstToWait(store: Store, rid: string, userId: string): Promise<WaitingUser[]> {
	const only: Filter<Subscription> = {
		'u._id': { $ne: userId },
		...KEYLESS,
		...MEMBER,
	};
	const waiting: WaitingUser[] = [];
	const ts = new Date();
	for await (const page of membershipsOf(store, rid, only, { 'u._id': 1 })) {
		const ids = page.map(({ u }) => u._id);
		const able = await usersWithIdentity(store, ids);
		for (const id of ids) if (able.has(id)) waiting.push({ userId: id, ts });
		if (waiting.length >= MAX_WAITING) break;
	}
	return waiting.slice(0, MAX_WAITING);
}

/** Gives the room its new key id, and the queue of those who need that key. Until the end the room is not told. */
export async function renameKey(context: ResetContext, newKeyId: string): Promise<void> {
	const { store, userId, lease } = context;
	await lease.renew();
	const waiting = await firstToWait(store, lease.rid, userId);
	const before = await lease.write({
		$set: { e2eKeyId: newKeyId, ...(waiting.length > 0 && { usersWaitingForE2EKeys: waiting }) },
		$unset: { e2eStale: 1, ...(waiting.length === 0 && { usersWaitingForE2EKeys: 1 }) },
	});
	await reconcileQueue(context, waiting, before.usersWaitingForE2EKeys ?? []);
}

/** Makes up for what happened to the queue, and to those in it, between reading the places and writing the room. */
async function reconcileQueue(
	context: ResetContext,
	waiting: readonly WaitingUser[],
	before: readonly WaitingUser[],
): Promise<void> {
	const { store, lease } = context;
	const ids = waiting.map(({ userId }) => userId);
	const able = await usersWithIdentity(store, ids);
	const keyless: Filter<Subscription> = { rid: lease.rid, 'u._id': { $in: ids }, ...KEYLESS };
	const places = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const still = new Set(places.map(({ u }) => u._id).filter((id) => able.has(id)));
	const gone = ids.filter((id) => !still.has(id));
	if (gone.length > 0) await dequeue(context, lease.rid, gone);
	if (ids.length === MAX_WAITING) return;
	for (const { userId } of before) {
		if (!ids.includes(userId) && userId !== context.userId) await enqueue(context, lease.rid, userId);
	}
}

/** Puts the new key into the caller's own place, and the former one to the old ones, in one write. */
export async function putOwn({ store, events, userId, lease }: ResetContext, newKey: string): Promise<void> {
	for (;;) {
		const place = await store.subscriptions.findOne({ rid: lease.rid, 'u._id': userId });
		if (!place) throw clientError('resetFailed');
		await lease.renew();
		const { E2EKey } = place;
		if (E2EKey === newKey) return;
		const oldRoomKeys = archiveCurrentKey(place, lease.formerKeyId, newKey);
		const after = await store.subscriptions.findOneAndUpdate(
			sameKeys(place),
			{
				$set: { E2EKey: newKey, ...(E2EKey !== undefined && { oldRoomKeys }) },
				$unset: { E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 },
			},
			{ returnDocument: 'after' },
		);
		// Otherwise the place has got another key just now, which must not be lost either.
		if (!after) continue;
		events.emit('changed', { collection: 'subscriptions', action: 'updated', document: after });
		return;
	}
}

/** Puts the caller's new key away again where a later reset has given the room another meanwhile. */
export async function takeOwnBack(context: ResetContext, { rid, e2eKey, e2eKeyId }: NewKey): Promise<void> {
	const { store, userId } = context;
	const place = await store.subscriptions.findOne({ rid, 'u._id': userId, E2EKey: e2eKey });
	const room = place && (await store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1 } }));
	if (!room || room.e2eKeyId === e2eKeyId) return;
	if (await archiveAllKeys(context, place, e2eKeyId, ({ E2EKey }) => E2EKey === e2eKey))
		await enqueue(context, rid, userId);
}
