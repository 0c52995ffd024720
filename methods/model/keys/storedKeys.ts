/**
 * The valid keys stored in a membership. Other servers on the same database may store null, an empty string or another
 * value instead of a key.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Filter } from '../../../shared/store.js';
import { listOf } from '../storedLists.js';

/** Matches memberships without a key: it is absent, empty, or not a string. An array with a string counts as a key. */
export const WITHOUT_OWN_KEY = { E2EKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** Matches memberships with neither a key nor an offer. */
export const WITHOUT_KEY_OR_OFFER = {
	...WITHOUT_OWN_KEY,
	E2ESuggestedKey: { $not: { $gt: '' } },
} as const satisfies Filter<Subscription>;

/** The member's own key; undefined without one. */
export function ownKeyOf({ E2EKey }: Pick<Subscription, 'E2EKey'>): string | undefined {
	return typeof E2EKey === 'string' && E2EKey !== '' ? E2EKey : undefined;
}

/** The key that another member offered, trimmed; undefined without an offer. */
export function offeredKeyOf({ E2ESuggestedKey }: Pick<Subscription, 'E2ESuggestedKey'>): string | undefined {
	return typeof E2ESuggestedKey === 'string' ? E2ESuggestedKey.trim() || undefined : undefined;
}

/** The valid former keys of a stored list, in its order: the newest first. */
export function oldKeysOf(stored: readonly OldRoomKey[] | null | undefined): OldRoomKey[] {
	return listOf(stored).filter((old) => typeof old?.E2EKey === 'string');
}

/**
 * Matches memberships whose key in this field is still `stored`. If an array or an object is stored instead of a key,
 * it cannot be compared. Then the field must only exist.
 */
export function whereSameKey(field: 'E2EKey' | 'E2ESuggestedKey', stored: unknown): Filter<Subscription> {
	const isComparable = typeof stored !== 'object' || stored === null;
	return { [field]: isComparable ? (stored ?? null) : { $exists: true } };
}
