/**
 * Finding documents in nedb. Its own cursor does so in one go: looking through a room of 10,000 members, or sorting them,
 * would keep everybody else waiting for a tenth of a second.
 */
import model from '@seald-io/nedb/lib/model.js';
import type { FindOptions } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import type { Datastore } from './nedb.js';
import { type Fields, ownCopy } from './values.js';

/** Documents looked at between two looks at the clock. */
const STRIDE = 32;

/** What of nedb its types leave out. */
interface Inside {
	readonly executor: { pushAsync<R>(task: () => Promise<R>): Promise<R> };
	/** By an index if one of the query's fields has one. A list of its own, of documents that no write changes. */
	_getCandidatesAsync(query: Fields): Promise<Fields[]>;
}

/**
 * Finds documents as they are now: a write replaces a document, and those that were found first stay as they were.
 *
 * @param project makes of a document what is asked for
 * @returns copies
 */
export async function scan(
	db: Datastore,
	query: Fields,
	{ sort, skip = 0, limit = 0 }: FindOptions,
	project: (document: Fields) => Fields,
): Promise<Fields[]> {
	const { executor, _getCandidatesAsync } = db as unknown as Inside;
	// Behind the writes that were made before.
	const candidates = await executor.pushAsync(() => _getCandidatesAsync.call(db, query));
	const most = limit === 0 ? Number.POSITIVE_INFINITY : skip + limit;
	const found: Fields[] = [];
	const place = sort && Object.keys(sort).length > 0 ? inOrder(sort, most) : undefined;
	const pace = createYielder(STRIDE);
	for (const candidate of candidates) {
		const pause = pace();
		if (pause) await pause;
		if (!model.match(candidate, query)) continue;
		if (place) place(found, candidate);
		else if (found.push(candidate) >= most) break;
	}
	const copies: Fields[] = [];
	for (const document of found.slice(skip)) {
		const pause = pace();
		if (pause) await pause;
		copies.push(ownCopy(project(document)) as Fields);
	}
	return copies;
}

/** Puts documents in their place one by one, those after them further on, and keeps as many as are asked for. */
function inOrder(sort: NonNullable<FindOptions['sort']>, most: number): (sorted: Fields[], document: Fields) => void {
	const criteria = Object.entries(sort).map(([path, direction]) => [path.split('.'), direction] as const);
	const compare = (a: Fields, b: Fields) => {
		for (const [path, direction] of criteria) {
			const order = model.compareThings(model.getDotValue(a, path), model.getDotValue(b, path));
			if (order !== 0) return direction * order;
		}
		return 0;
	};
	return (sorted, document) => {
		const last = sorted.at(-1);
		if (last && compare(last, document) <= 0) {
			if (sorted.length < most) sorted.push(document);
			return;
		}
		let low = 0;
		let high = sorted.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (compare(sorted[middle] as Fields, document) <= 0) low = middle + 1;
			else high = middle;
		}
		sorted.splice(low, 0, document);
		if (sorted.length > most) sorted.pop();
	};
}
