/** Compares what a replayed request would have written with what Rocket.Chat has stored (`shadow.ts`). */
import type { Collection, Filter, Projection, Store } from '../../shared/store.js';
import type { Document } from '../../shared/values.js';

/** The fields with encryption keys and their state, by collection. Only these collections are compared. */
const KEY_FIELDS: Readonly<Record<string, readonly string[]>> = {
	users: ['e2e'],
	rooms: ['encrypted', 'e2eKeyId', 'usersWaitingForE2EKeys'],
	subscriptions: ['E2EKey', 'E2ESuggestedKey', 'oldRoomKeys', 'suggestedOldRoomKeys'],
};

/** The fields that only Roomkey writes, by collection. */
export const OWN_FIELDS: Readonly<Record<string, readonly string[]>> = {
	users: ['e2eKeyHistory', 'e2eRekeying', 'e2eQueueing'],
	rooms: ['e2eToggled', 'e2eStale', 'e2eReset'],
	subscriptions: ['e2eKnownKeys', 'departures'],
};

/** Whether documents of a collection are compared. @param key its property name in `Store` */
export const isCompared = (key: string): boolean => key in KEY_FIELDS;

/** Whether a read with this projection returns one of the fields with keys. */
export function readsKeys(key: string, projection: Projection = {}): boolean {
	const paths = Object.entries(projection).filter(([path]) => path !== '_id');
	const named = paths.map(([path]) => path.split('.')[0]);
	const isInclusion = (paths.length > 0 ? paths : Object.entries(projection)).some(([, value]) => value === 1);
	// An inclusion returns the named fields. An exclusion, or no projection, returns all others.
	return (KEY_FIELDS[key] ?? []).some((field) => named.includes(field) === isInclusion);
}

/** What a request has done with one document. */
export interface TouchedDocument {
	/** Property name of the collection in `Store`. */
	readonly key: string;
	readonly id: string;
	/** The document as it was first read. */
	readonly before: Document;
	/** The document as the request would leave it; null if the request would remove it. */
	readonly after: Document | null;
	/** The fields that the request would change. */
	readonly changed: readonly string[];
}

/** One difference. It contains no value, because values may be keys. */
export interface Difference {
	/** Property name of the collection in `Store`. */
	readonly collection: string;
	readonly id: string;
	/** The field that differs; `_id` if only one of Roomkey and Rocket.Chat removes the document. */
	readonly field: string;
	/**
	 * `missing`: Roomkey would have made a change that is not in the database. `unexpected`: Roomkey would not have made the
	 * change. `other`: both make a change, but to different values.
	 */
	readonly found: 'missing' | 'unexpected' | 'other';
}

/** Names a document uniquely among those of all collections. */
export const nameOf = (key: string, id: string): string => `${key} ${id}`;

/** Finds where the documents of the database are not as a request would have left them. */
export async function findDifferences(real: Store, touched: readonly TouchedDocument[]): Promise<Difference[]> {
	const present = new Map<string, Document>();
	for (const key of Object.keys(KEY_FIELDS)) {
		const ids = touched.filter((document) => document.key === key).map(({ id }) => id);
		if (ids.length === 0) continue;
		const collection = real[key as keyof Store] as unknown as Collection<Document>;
		const filter = { _id: { $in: ids } } as Filter<Document>;
		for await (const document of collection.find(filter)) present.set(nameOf(key, document._id), document);
	}
	return touched.flatMap((document) => differencesOf(document, present.get(nameOf(document.key, document.id)) ?? null));
}

/** @param present the document in the database now */
function differencesOf({ key, id, before, after, changed }: TouchedDocument, present: Document | null): Difference[] {
	const document = { collection: key, id };
	if (after === null && present === null) return [];
	if (after === null) return [{ ...document, field: '_id', found: 'missing' }];
	if (present === null) return [{ ...document, field: '_id', found: 'unexpected' }];
	// Each server writes `_updatedAt` and `services` with values of its own. Only Roomkey writes the others.
	const ignored = new Set(['_updatedAt', 'services', ...(OWN_FIELDS[key] ?? [])]);
	const fields = new Set([...(KEY_FIELDS[key] ?? []), ...changed]);
	return [...fields]
		.filter((field) => !ignored.has(field) && !isSame(after[field], present[field]))
		.map((field) => {
			if (isSame(present[field], before[field])) return { ...document, field, found: 'missing' };
			return { ...document, field, found: isSame(after[field], before[field]) ? 'unexpected' : 'other' };
		});
}

/** Absent values, null, empty texts and empty lists count as the same. */
const isNothing = (value: unknown) =>
	value === null || value === undefined || (value as ArrayLike<unknown>).length === 0;

/** Two dates always count as the same, because each server uses its own clock. */
function isSame(a: unknown, b: unknown): boolean {
	if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
	if (a instanceof Date && b instanceof Date) return true;
	if (typeof a !== 'object' || typeof b !== 'object') return a === b;
	const [fieldsA, fieldsB] = [a, b] as Record<string, unknown>[];
	return Object.keys({ ...fieldsA, ...fieldsB }).every((name) => isSame(fieldsA?.[name], fieldsB?.[name]));
}
