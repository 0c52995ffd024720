/** The members of a room, however many, a page at a time. */
import type { Subscription } from '../../shared/documents.js';
import type { Filter, Projection, Store } from '../../shared/store.js';

/** Places read in one query. */
const PAGE = 500;

/**
 * Reads the places in a room in pages, by the ids of their users: what the room's index is ordered by. Each page is read
 * when it is asked for.
 * @param only which of them
 */
export async function* placesOf(
	store: Store,
	rid: string,
	only: Filter<Subscription> = {},
	projection?: Projection,
): AsyncGenerator<Subscription[]> {
	for (let last: string | undefined; ; ) {
		const further = last === undefined ? {} : { 'u._id': { $gt: last } };
		const page = await store.subscriptions
			.find({ $and: [{ rid, ...further }, only] } as Filter<Subscription>, {
				...(projection && { projection: { ...projection, 'u._id': 1 } }),
				sort: { 'u._id': 1 },
				limit: PAGE,
			})
			.toArray();
		if (page.length > 0) yield page;
		if (page.length < PAGE) return;
		last = page.at(-1)?.u._id;
	}
}
