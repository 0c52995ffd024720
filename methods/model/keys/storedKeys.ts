/**
 * The keys kept in a place, as far as they are keys: a database that others write to may hold null, an empty string or
 * something else where there is none.
 */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { Filter } from '../../../shared/store.js';
import { listOf } from '../lists.js';

/** Places without a key: with no text, or an empty one. */
export const KEYLESS = { E2EKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** Those where none is offered, either. */
export const EMPTY = { ...KEYLESS, E2ESuggestedKey: { $not: { $gt: '' } } } as const satisfies Filter<Subscription>;

/** The member's own key; undefined where there is none. */
export function keyIn({ E2EKey }: Pick<Subscription, 'E2EKey'>): string | undefined {
	return typeof E2EKey === 'string' && E2EKey !== '' ? E2EKey : undefined;
}

/** Former keys, the newest first. */
export function oldKeysIn(stored: readonly OldRoomKey[] | null | undefined): OldRoomKey[] {
	return listOf(stored).filter((old) => typeof old?.E2EKey === 'string');
}

/**
 * A filter for places where such a key is as it was seen. What is no key, a list or an object, cannot be compared, and
 * nothing is lost with it.
 */
export function sameKey(field: 'E2EKey' | 'E2ESuggestedKey', stored: unknown): Filter<Subscription> {
	return { [field]: typeof stored === 'object' && stored !== null ? { $exists: true } : (stored ?? null) };
}
