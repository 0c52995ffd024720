/** The members of a room, however many, a page at a time. */
import type { Subscription } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { pagesOf } from '../pages.js';

/** Matches memberships that have begun: an invited user is not a member yet. */
export const MEMBER = { status: { $ne: 'INVITED' } } as const satisfies Filter<Subscription>;

/**
 * Reads the memberships of a room in pages, in the order of their users' ids, which is that of the room's index.
 * @param only which of them
 * @param projection which fields, beside `_id` and the id of the user; all by default
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
