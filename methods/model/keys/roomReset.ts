/** The steps of a reset of a room's key (`test/contract/rocketchat-e2e.md` 5.6), for `e2e.resetRoomKey`. */
import type { Subscription, WaitingUser } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { inParallel } from '../inParallel.js';
import { MEMBER, membershipsOf, userIdsOfMemberships } from '../memberships/members.js';
import { applyTransition } from './applyTransition.js';
import { archiveKeyAndRemoveOffer } from './archiveKeyAndRemoveOffer.js';
import type { MemberKeys } from './memberKeys.js';
import { enqueue, MAX_WAITING, removeServedUsers, userIdsOfQueue } from './queue.js';
import type { ResetLock } from './resetLock.js';
import { keyIdOf } from './sealedKey.js';
import { offeredKeyOf, ownKeyOf, WITHOUT_OWN_KEY } from './storedKeys.js';
import { archiveCurrentKey } from './transitions.js';
import { usersWithIdentity } from './usersWithIdentity.js';

/** The new room key, as the caller of `e2e.resetRoomKey` sends it. */
export interface NewKey {
	readonly rid: string;
	/** Sealed for the caller. */
	readonly e2eKey: string;
	readonly e2eKeyId: string;
}

/** Number of memberships processed between two renewals of the lock. */
const BATCH = 100;

export interface ResetContext extends Pick<MethodContext, 'store' | 'signal'> {
	readonly userId: string;
	readonly lock: ResetLock;
}

/**
 * Whether a member's key does not begin with the new key id (`keyIdOf`). For a member without a key, the offer is
 * checked.
 */
function hasFormerKey(membership: Subscription, newKeyId: string): boolean {
	const key = ownKeyOf(membership) ?? offeredKeyOf(membership);
	return key !== undefined && keyIdOf(key) !== newKeyId;
}

/**
 * Archives the keys of all members but the caller, and removes their offers. Members whose key begins with the new key
 * id are left unchanged.
 * @returns ids of changed members, at most `MAX_WAITING`. The calling code must queue them, unless it calls
 * `setNewKeyId` next, which does so
 */
export async function archiveFormerKeysOfOthers(context: ResetContext, newKeyId: string): Promise<string[]> {
	const { store, userId, lock, signal } = context;
	const othersWithKeys: Filter<Subscription> = {
		'u._id': { $ne: userId },
		$or: [{ E2EKey: { $exists: true } }, { E2ESuggestedKey: { $exists: true } }],
	};
	const archivedFrom: string[] = [];
	for await (const page of membershipsOf(store, lock.rid, othersWithKeys, undefined, BATCH)) {
		if (signal.aborted) throw clientError('resetFailed');
		// A call that has lost the lock to a later reset must not archive the keys of that reset.
		await lock.renew();
		await inParallel(page, async (membership) => {
			const updated = await archiveKeyAndRemoveOffer(store, membership, lock.formerKeyId, async (current) => {
				// The membership was read again, so it may contain a key of a later reset.
				if (current !== membership) await lock.renew();
				return hasFormerKey(current, newKeyId);
			});
			if (updated && archivedFrom.length < MAX_WAITING) archivedFrom.push(updated.u._id);
		});
	}
	return archivedFrom;
}

/** The queue for the new key: the first `MAX_WAITING` members with identity keys and no room key, without the caller. */
async function computeQueue(store: Store, rid: string, userId: string): Promise<WaitingUser[]> {
	const waiting: WaitingUser[] = [];
	const ts = new Date();
	for await (const ids of userIdsOfMemberships(store, rid, {
		'u._id': { $ne: userId },
		...WITHOUT_OWN_KEY,
		...MEMBER,
	})) {
		const withIdentity = await usersWithIdentity(store, ids);
		for (const id of ids) if (withIdentity.has(id)) waiting.push({ userId: id, ts });
		if (waiting.length >= MAX_WAITING) break;
	}
	return waiting.slice(0, MAX_WAITING);
}

/** Sets the new key id of the room and the queue for the new key. The end of the reset notifies the room of both. */
export async function setNewKeyId(context: ResetContext, newKeyId: string): Promise<void> {
	const { store, userId, lock } = context;
	await lock.renew();
	const queue = await computeQueue(store, lock.rid, userId);
	const before = await lock.write({
		$set: { e2eKeyId: newKeyId, ...(queue.length > 0 && { usersWaitingForE2EKeys: queue }) },
		$unset: { e2eStale: 1, ...(queue.length === 0 && { usersWaitingForE2EKeys: 1 }) },
	});
	await reconcileQueue(context, queue, userIdsOfQueue(before));
}

/**
 * Corrects the new queue. Concurrent calls may have changed memberships or the former queue before the new one was
 * written.
 * @param queue the queue that was written
 * @param formerIds the users in the queue that it replaced
 */
async function reconcileQueue(
	context: ResetContext,
	queue: readonly WaitingUser[],
	formerIds: readonly string[],
): Promise<void> {
	const { store, lock } = context;
	const ids = queue.map(({ userId }) => userId);
	const withIdentity = await usersWithIdentity(store, ids);
	const keyless: Filter<Subscription> = { rid: lock.rid, 'u._id': { $in: ids }, ...WITHOUT_OWN_KEY };
	const memberships = await store.subscriptions.find(keyless, { projection: { 'u._id': 1 } }).toArray();
	const stillWaiting = new Set(memberships.map(({ u }) => u._id).filter((id) => withIdentity.has(id)));
	const toRemove = ids.filter((id) => !stillWaiting.has(id));
	if (toRemove.length > 0) await removeServedUsers(store, lock.rid, toRemove);
	// Adding a user to a full queue would remove one of the members that `computeQueue` chose.
	let free = MAX_WAITING - stillWaiting.size;
	for (const userId of formerIds) {
		if (free === 0) return;
		if (ids.includes(userId) || userId === context.userId) continue;
		if (await enqueue(store, lock.rid, userId)) free--;
	}
}

/** Stores the new key as the caller's own key, archives their former key, and removes their offer, in one write. */
export async function storeNewKey(context: ResetContext, newKey: string): Promise<void> {
	const { store, userId, lock } = context;
	const membership = await store.subscriptions.findOne({ rid: lock.rid, 'u._id': userId });
	if (!membership) throw clientError('resetFailed');
	await applyTransition(store, membership, async (keys): Promise<MemberKeys | null> => {
		await lock.renew();
		if (keys.key === newKey) return null;
		const oldKeys = archiveCurrentKey(keys, lock.formerKeyId, newKey);
		return { key: newKey, offer: undefined, offeredOldKeys: [], oldKeys, records: [] };
	});
}

/** Archives the caller's new key and queues the caller, unless the room has the new key id. Called after a failure. */
export async function archiveUnusedKey(context: ResetContext, { rid, e2eKey, e2eKeyId }: NewKey): Promise<void> {
	const { store, userId } = context;
	const membership = await store.subscriptions.findOne({ rid, 'u._id': userId, E2EKey: e2eKey });
	const room = membership && (await store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1 } }));
	if (!room || room.e2eKeyId === e2eKeyId) return;
	const isStillNewKey = ({ E2EKey }: Subscription) => E2EKey === e2eKey;
	if (await archiveKeyAndRemoveOffer(store, membership, e2eKeyId, isStillNewKey)) await enqueue(store, rid, userId);
}
