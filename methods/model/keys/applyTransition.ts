/** Applies a transition of a member's keys (`memberKeys.ts`) to the stored membership, in one conditional write. */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Filter, Store, UpdateFilter, WriteOptions } from '../../../shared/store.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { updateIfUnchanged } from '../retryOnConflict.js';
import { whereSameLength } from '../storedLists.js';
import { updateOf } from '../updateOf.js';
import { type KeyFields, keysOf, type MemberKeys } from './memberKeys.js';
import { whereSameKey } from './storedKeys.js';

/**
 * Matches this membership only if its stored keys are unchanged. It compares the key, the offer and the number of
 * former keys. The other key fields change only together with one of these.
 */
export function whereKeysUnchanged({ _id, E2EKey, E2ESuggestedKey, oldRoomKeys }: Subscription): Filter<Subscription> {
	return {
		_id,
		...whereSameKey('E2EKey', E2EKey),
		...whereSameKey('E2ESuggestedKey', E2ESuggestedKey),
		...whereSameLength('oldRoomKeys', oldRoomKeys),
	};
}

/**
 * Builds an update of the fields that differ between `before` and `next`; null if none does. Also removes an invalid
 * stored key or offer, such as null.
 */
function keysUpdate(membership: Subscription, before: MemberKeys, next: MemberKeys): UpdateFilter<Subscription> | null {
	const set: Record<string, unknown> = {};
	const removed: string[] = [];
	const addChange = (field: keyof KeyFields, value: unknown, previous: unknown) => {
		const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
		if (!isEmpty) {
			if (value !== previous) set[field] = value;
			return;
		}
		// A list that the transition did not replace stays as stored, even if it is invalid.
		const isUntouchedList = value !== undefined && value === previous;
		if (!isUntouchedList && membership[field] !== undefined) removed.push(field);
	};
	addChange('E2EKey', next.key, before.key);
	addChange('E2ESuggestedKey', next.offer, before.offer);
	addChange('suggestedOldRoomKeys', next.offeredOldKeys, before.offeredOldKeys);
	addChange('oldRoomKeys', next.oldKeys, before.oldKeys);
	addChange('e2eKnownKeys', next.records, before.records);
	return updateOf(set, removed);
}

/**
 * Applies a transition in one write. The member is notified, unless `options.silent` is true.
 * @param membership as it was read. If its keys have changed since, it is read again and the transition is repeated
 * @param transition computes the next keys from those last read; null changes nothing
 * @returns the updated membership; null if nothing changed or the membership does not exist any more
 * @throws ClientError `error-key-in-use` for a key that is stored in another membership already
 */
export async function applyTransition(
	store: Store,
	membership: Subscription,
	transition: (keys: MemberKeys, membership: Subscription) => MemberKeys | null | Promise<MemberKeys | null>,
	options?: WriteOptions,
): Promise<Subscription | null> {
	const read = (attemptNumber: number) =>
		attemptNumber === 1 ? membership : store.subscriptions.findOne({ _id: membership._id });
	try {
		const computeUpdate = async (current: Subscription) => {
			const before = keysOf(current);
			const next = await transition(before, current);
			const update = next && keysUpdate(current, before, next);
			return update && { whereUnchanged: whereKeysUnchanged(current), update };
		};
		return await updateIfUnchanged(store.subscriptions, read, computeUpdate, options);
	} catch (error) {
		// The field `E2EKey` has a unique index.
		throw isDuplicateKey(error) ? clientError('keyInUse') : error;
	}
}
