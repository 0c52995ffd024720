/** Keyset pagination: each page begins after the last key of the previous page. */

import type { Collection, Filter, Projection } from '../../shared/store.js';
import { valueAt } from '../../shared/values.js';
import { throwIfAborted } from './signal.js';

const PAGE_SIZE = 500;

export interface PageOptions {
	/** `_id` and the key are always read. Default: all fields. */
	readonly projection?: Readonly<Record<string, 1>> | undefined;
	/** Path of the field that orders the pages. It must be unique among the documents that match. Default `_id`. */
	readonly key?: string;
	/** Documents in a page. Default 500. */
	readonly size?: number;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Reads all matching documents in pages. A page is read only when the caller asks for it.
 * @throws ClientError `error-timeout` once the signal has fired
 */
export async function* pagesOf<T extends { _id: string }>(
	collection: Collection<T>,
	filter: Filter<T>,
	{ projection, key = '_id', size = PAGE_SIZE, signal }: PageOptions = {},
): AsyncGenerator<T[]> {
	const sort: Record<string, 1> = { [key]: 1 };
	const options = { sort, limit: size, ...(projection && { projection: withKey(projection, key) }) };
	let page = await collection.find(filter, options).toArray();
	while (page.length > 0) {
		yield page;
		if (page.length < size) return;
		throwIfAborted(signal);
		const lastKey = valueAt(page.at(-1) as T, key);
		page = await collection.find(filterAfter(filter, key, lastKey), options).toArray();
	}
}

/** Adds the key to a projection that does not contain it. */
function withKey(projection: Readonly<Record<string, 1>>, key: string): Projection {
	const containsKey = (path: string) => key === path || key.startsWith(`${path}.`);
	return Object.keys(projection).some(containsKey) ? projection : { ...projection, [key]: 1 };
}

/**
 * Adds to the filter that the key must be greater than `last`. The condition on the key stays at the top level, because
 * stores use an index only for conditions there. If the key has a condition already, the new one goes into `$and`.
 */
function filterAfter<T>(filter: Filter<T>, key: string, last: unknown): Filter<T> {
	const isAfter = { [key]: { $gt: last } };
	if (!(key in filter)) return { ...filter, ...isAfter } as Filter<T>;
	return { ...filter, $and: [...(filter.$and ?? []), isAfter] } as Filter<T>;
}
