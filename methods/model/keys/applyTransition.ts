/** Applies transitions of a member's keys to the membership, in one conditional write. */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import {
	type Filter,
	isDuplicateKey,
	type Store,
	type UpdateFilter,
	type WriteOptions,
} from '../../../shared/store.js';
import { sameLength } from '../lists.js';
import { updateAsRead } from '../retryOnConflict.js';
import { updateOf } from '../updateOf.js';
import { keysOf, type MemberKeys, type Membership } from './memberKeys.js';
import { sameKey } from './storedKeys.js';

/** Matches a membership only if its keys are unchanged. */
export function unchangedKeys({ _id, E2EKey, E2ESuggestedKey, oldRoomKeys }: Subscription): Filter<Subscription> {
	return {
		_id,
		...sameKey('E2EKey', E2EKey),
		...sameKey('E2ESuggestedKey', E2ESuggestedKey),
		...sameLength('oldRoomKeys', oldRoomKeys),
	};
}

/**
 * Builds an update of the fields that differ; null if none does. An invalid value that is stored instead of a key is
 * removed.
 */
function updateTo(membership: Subscription, before: MemberKeys, next: MemberKeys): UpdateFilter<Subscription> | null {
	const set: Record<string, unknown> = {};
	const removed: string[] = [];
	const write = (field: keyof Membership, value: unknown, was: unknown) => {
		const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
		if (!isEmpty && value !== was) set[field] = value;
		else if (isEmpty && (value !== was || typeof was !== 'object') && membership[field] !== undefined)
			removed.push(field);
	};
	write('E2EKey', next.key, before.key);
	write('E2ESuggestedKey', next.offer, before.offer);
	write('suggestedOldRoomKeys', next.offeredOldKeys, before.offeredOldKeys);
	write('oldRoomKeys', next.oldKeys, before.oldKeys);
	write('e2eKnownKeys', next.known, before.known);
	return updateOf(set, removed);
}

/**
 * Applies a transition in one write. The member is notified, unless the write is silent.
 * @param membership as it was read; if its keys have changed meanwhile, it is read again and the transition is repeated
 * @param transition may return null to change nothing, and may be asynchronous
 * @returns the updated membership; null if nothing changed or the membership does not exist any more
 * @throws ClientError `error-key-in-use` for a key that is stored in another membership already
 */
export async function applyTransition(
	store: Store,
	membership: Subscription,
	transition: (keys: MemberKeys, membership: Subscription) => MemberKeys | null | Promise<MemberKeys | null>,
	options?: WriteOptions,
): Promise<Subscription | null> {
	const read = (attempt: number) => (attempt === 1 ? membership : store.subscriptions.findOne({ _id: membership._id }));
	try {
		const change = async (seen: Subscription) => {
			const before = keysOf(seen);
			const next = await transition(before, seen);
			const update = next && updateTo(seen, before, next);
			return update && { unchanged: unchangedKeys(seen), update };
		};
		return await updateAsRead(store.subscriptions, read, change, options);
	} catch (error) {
		throw isDuplicateKey(error) ? clientError('keyInUse') : error;
	}
}
