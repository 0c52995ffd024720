/** The writes to memberships when a room's key is reset (`test/contract/rocketchat-e2e.md` 5.6). */
import type { Subscription, WaitingUser } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { inParallel } from '../inParallel.js';
import { MEMBER, memberIdsOf, membershipsOf } from '../memberships/members.js';
import { applyTransition } from './applyTransition.js';
import { archiveAllKeys } from './archiveAllKeys.js';
import type { MemberKeys } from './memberKeys.js';
import { dequeue, enqueue, MAX_WAITING } from './queue.js';
import type { ResetLock } from './resetLock.js';
import { keyIdOf } from './sealedKey.js';
import { KEYLESS, offeredKeyOf, ownKeyOf } from './storedKeys.js';
import { archiveCurrentKey } from './transitions.js';
import { usersWithIdentity } from './usersWithIdentity.js';

/** The new key, as the caller sends it. */
export interface NewKey {
	readonly rid: string;
	readonly e2eKey: string;
	readonly e2eKeyId: string;
}

/** Memberships processed between two renewals of the lock. */
const BATCH = 100;

export interface ResetContext extends Pick<MethodContext, 'store' | 'signal'> {
	readonly userId: string;
	readonly lock: ResetLock;
}

/** Whether a member has a key or an offer other than the new one. */
function hasFormerKey(membership: Subscription, newKeyId: string): boolean {
	const key = ownKeyOf(membership) ?? offeredKeyOf(membership);
	return key !== '' && keyIdOf(key) !== newKeyId;
}

/**
 * Archives the keys of all other members that are not the new one, each with one write, and removes their offers.
 * @returns ids of affected members, up to the size of the queue
 */
export async function archiveOtherKeys(context: ResetContext, newKeyId: string): Promise<string[]> {
	const { store, userId, lock, signal } = context;
	const only: Filter<Subscription> = {
		'u._id': { $ne: userId },
		$or: [{ E2EKey: { $exists: true } }, { E2ESuggestedKey: { $exists: true } }],
	};
	const emptied: string[] = [];
	for await (const page of membershipsOf(store, lock.rid, only, undefined, BATCH)) {
		if (signal.aborted) throw clientError('resetFailed');
		// A delayed call that has lost its lock must not remove the keys of a later reset. The memberships were read before
		// the lock was renewed, so they do not contain such keys. A membership that has changed since is read again.
		await lock.renew();
		await inParallel(page, async (membership) => {
			const after = await archiveAllKeys(store, membership, lock.formerKeyId, async (seen) => {
				if (seen !== membership) await lock.renew();
				return hasFormerKey(seen, newKeyId);
			});
			if (after && emptied.length < MAX_WAITING) emptied.push(after.u._id);
		});
	}
	return emptied;
}

/** The members to queue for the new key: the first 50 other members who have identity keys and no room key. */
async function firstToWait(store: Store, rid: string, userId: string): Promise<WaitingUser[]> {
	const waiting: WaitingUser[] = [];
	const ts = new Date();
	for await (const ids of memberIdsOf(store, rid, { 'u._id': { $ne: userId }, ...KEYLESS, ...MEMBER })) {
		const able = await usersWithIdentity(store, ids);
		for (const id of ids) if (able.has(id)) waiting.push({ userId: id, ts });
		if (waiting.length >= MAX_WAITING) break;
	}
	return waiting.slice(0, MAX_WAITING);
}

/**
 * Sets the new key id of the room, and the queue of the members who need the key. The room is notified at the end of
 * the reset.
 */
export async function setNewKeyId(context: ResetContext, newKeyId: string): Promise<void> {
	const { store, userId, lock } = context;
	await lock.renew();
	const waiting = await firstToWait(store, lock.rid, userId);
	const before = await lock.write({
		$set: { e2eKeyId: newKeyId, ...(waiting.length > 0 && { usersWaitingForE2EKeys: waiting }) },
		$unset: { e2eStale: 1, ...(waiting.length === 0 && { usersWaitingForE2EKeys: 1 }) },
	});
	await reconcileQueue(context, waiting, before.usersWaitingForE2EKeys ?? []);
}

/** Repairs the queue after concurrent changes between the read of the memberships and the write of the room. */
async function reconcileQueue(
	context: ResetContext,
	waiting: readonly WaitingUser[],
	before: readonly WaitingUser[],
): Promise<void> {
	const { store, lock } = context;
	const ids = waiting.map(({ userId }) => userId);
	const able = await usersWithIdentity(store, ids);
	const keyless: Filter<Subscription> = { rid: lock.rid, 'u._id': { $in: ids }, ...KEYLESS };
	const memberships = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const still = new Set(memberships.map(({ u }) => u._id).filter((id) => able.has(id)));
	const gone = ids.filter((id) => !still.has(id));
	if (gone.length > 0) await dequeue(store, lock.rid, gone);
	if (ids.length === MAX_WAITING) return;
	for (const { userId } of before) {
		if (!ids.includes(userId) && userId !== context.userId) await enqueue(store, lock.rid, userId);
	}
}

/** Stores the new key as the caller's own, and archives the former one, in one write. Offers are removed. */
export async function storeNewKey(context: ResetContext, newKey: string): Promise<void> {
	const { store, userId, lock } = context;
	const membership = await store.subscriptions.findOne({ rid: lock.rid, 'u._id': userId });
	if (!membership) throw clientError('resetFailed');
	await applyTransition(store, membership, async (keys): Promise<MemberKeys | null> => {
		await lock.renew();
		if (keys.key === newKey) return null;
		const oldKeys = archiveCurrentKey(keys, lock.formerKeyId, newKey);
		return { key: newKey, offer: undefined, offeredOldKeys: [], oldKeys, known: [] };
	});
}

/** Archives the caller's new key if a later reset has given the room another key meanwhile. */
export async function archiveOwnKey(context: ResetContext, { rid, e2eKey, e2eKeyId }: NewKey): Promise<void> {
	const { store, userId } = context;
	const membership = await store.subscriptions.findOne({ rid, 'u._id': userId, E2EKey: e2eKey });
	const room = membership && (await store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1 } }));
	if (!room || room.e2eKeyId === e2eKeyId) return;
	if (await archiveAllKeys(store, membership, e2eKeyId, ({ E2EKey }) => E2EKey === e2eKey))
		await enqueue(store, rid, userId);
}
