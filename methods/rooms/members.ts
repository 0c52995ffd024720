/** The members of a room, however many, a page at a time. */
import type { Subscription } from '../../shared/documents.js';
import type { Filter, Store } from '../../shared/store.js';

/** Those who are members: whoever was only asked in is none yet. */
export const MEMBER = { status: { $ne: 'INVITED' } } as const satisfies Filter<Subscription>;

/** Places read in one query, where nothing else is said. */
const PAGE = 500;

/**
 * Reads the places in a room in pages, in the order of their users' ids, which is that of the room's index. A page is
 * read when it is asked for.
 * @param only which of them
 * @param projection which fields, beside `_id` and the id of the user; all if left out
 * @param size how many places a page has
 */
export async function* placesOf(
	store: Store,
	rid: string,
	only?: Filter<Subscription>,
	projection?: Readonly<Record<string, 1>>,
	size = PAGE,
): AsyncGenerator<Subscription[]> {
	let last: string | undefined;
	do {
		const further = last === undefined ? {} : { 'u._id': { $gt: last } };
		const page = await store.subscriptions
			.find(
				{ rid, ...further, ...(only && { $and: [only] }) },
				{ ...(projection && { projection: { ...projection, 'u._id': 1 } }), sort: { 'u._id': 1 }, limit: size },
			)
			.toArray();
		if (page.length > 0) yield page;
		last = page.length < size ? undefined : page.at(-1)?.u._id;
	} while (last !== undefined);
}
