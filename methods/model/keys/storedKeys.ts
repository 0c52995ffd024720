/**
 * The valid keys stored in a membership. Other servers on the same database may store null, an empty string or another
 * value instead of a key.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Filter } from '../../../shared/store.js';
import { listOf } from '../lists.js';

/** Memberships whose key is absent, no string or empty. */
export const KEYLESS = { E2EKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** Memberships with neither a key nor an offer. */
export const WITHOUT_KEYS = {
	...KEYLESS,
	E2ESuggestedKey: { $not: { $gt: '' } },
} as const satisfies Filter<Subscription>;

/** The member's own key; undefined if there is none. */
export function ownKeyOf({ E2EKey }: Pick<Subscription, 'E2EKey'>): string | undefined {
	return typeof E2EKey === 'string' && E2EKey !== '' ? E2EKey : undefined;
}

/** The offered key, trimmed; empty if there is no offer. */
export function offeredKeyOf({ E2ESuggestedKey }: Pick<Subscription, 'E2ESuggestedKey'>): string {
	return typeof E2ESuggestedKey === 'string' ? E2ESuggestedKey.trim() : '';
}

/** Former keys, the newest first. */
export function oldKeysOf(stored: readonly OldRoomKey[] | null | undefined): OldRoomKey[] {
	return listOf(stored).filter((old) => typeof old?.E2EKey === 'string');
}

/**
 * Matches memberships where such a key is unchanged. An array or an object instead of a key cannot be compared, and may
 * be overwritten.
 */
export function sameKey(field: 'E2EKey' | 'E2ESuggestedKey', stored: unknown): Filter<Subscription> {
	return { [field]: typeof stored === 'object' && stored !== null ? { $exists: true } : (stored ?? null) };
}
