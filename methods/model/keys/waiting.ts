/** Members of a room without its key, read in pages: a room may have very many (`test/contract/beyond.md` T3). */
import type { Subscription } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { MEMBER, membershipsOf } from '../memberships/members.js';

/** Ids of the members of a room whose places fit the filter, in their order, a page at a time. */
export async function* memberPages(store: Store, rid: string, places: Filter<Subscription>): AsyncIterable<string[]> {
	for await (const page of membershipsOf(store, rid, { ...MEMBER, ...places }, { 'u._id': 1 })) {
		yield page.map(({ u }) => u._id);
	}
}
