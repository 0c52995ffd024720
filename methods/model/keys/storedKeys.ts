/**
 * The keys stored in a membership, as far as they are keys: a database that other servers write to may contain null, an empty
 * string or something else in place of one.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Filter } from '../../../shared/store.js';
import { listOf } from '../lists.js';

/** Memberships without a key: with no text, or an empty one. */
export const KEYLESS = { E2EKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** Memberships with neither a key nor an offer. */
export const EMPTY = { ...KEYLESS, E2ESuggestedKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** The member's own key; undefined where there is none. */
export function keyIn({ E2EKey }: Pick<Subscription, 'E2EKey'>): string | undefined {
	return typeof E2EKey === 'string' && E2EKey !== '' ? E2EKey : undefined;
}

/** The key a member was offered, as it is accepted; empty without one. */
export function offered({ E2ESuggestedKey }: Pick<Subscription, 'E2ESuggestedKey'>): string {
	return typeof E2ESuggestedKey === 'string' ? E2ESuggestedKey.trim() : '';
}

/** Former keys, the newest first. */
export function oldKeysIn(stored: readonly OldRoomKey[] | null | undefined): OldRoomKey[] {
	return listOf(stored).filter((old) => typeof old?.E2EKey === 'string');
}

/**
 * Matches memberships where such a key is as it was read. A list or an object in its place cannot be compared, and nothing is
 * lost with it.
 */
export function sameKey(field: 'E2EKey' | 'E2ESuggestedKey', stored: unknown): Filter<Subscription> {
	return { [field]: typeof stored === 'object' && stored !== null ? { $exists: true } : (stored ?? null) };
}
