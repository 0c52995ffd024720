/** Reads the members of a room in pages. */
import type { Subscription } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { pagesOf } from '../pages.js';

/** Matches active memberships: an invited user is not a member yet. */
export const MEMBER = { status: { $ne: 'INVITED' } } as const satisfies Filter<Subscription>;

/**
 * Reads the memberships of a room in pages, ordered by user id, as in the room's index.
 * @param only additional filter
 * @param projection fields to read in addition to `_id` and the user id; all by default
 * @param size memberships in a page
 */
export function membershipsOf(
	store: Store,
	rid: string,
	only?: Filter<Subscription>,
	projection?: Readonly<Record<string, 1>>,
	size?: number,
): AsyncGenerator<Subscription[]> {
	const filter = { rid, ...(only && { $and: [only] }) };
	return pagesOf(store.subscriptions, filter, { key: 'u._id', projection, ...(size && { size }) });
}
