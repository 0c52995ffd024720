/** Compares what a replayed request would have written with what is in the database some time later. */
import type { Collection, Filter, Projection, Store } from '../../shared/store.js';
import type { Document } from '../../shared/values.js';

/** The fields that contain the keys of users, rooms and memberships. Only these collections are compared. */
const KEY_FIELDS: Readonly<Record<string, readonly string[]>> = {
	users: ['e2e'],
	rooms: ['encrypted', 'e2eKeyId', 'usersWaitingForE2EKeys'],
	subscriptions: ['E2EKey', 'E2ESuggestedKey', 'oldRoomKeys', 'suggestedOldRoomKeys'],
};

/** The fields that only Roomkey writes. Rocket.Chat ignores them. */
export const OWN_FIELDS: Readonly<Record<string, readonly string[]>> = {
	users: ['e2eKeyHistory', 'e2eRekeying', 'e2eQueueing'],
	rooms: ['e2eToggled', 'e2eStale', 'e2eReset'],
	subscriptions: ['e2eKnownKeys', 'departures'],
};

/** Whether documents of a collection are compared. @param key its property name in `Store` */
export const isCompared = (key: string): boolean => key in KEY_FIELDS;

/** Whether a read with this projection contains one of the fields with keys. */
export function readsKeys(key: string, projection: Projection = {}): boolean {
	const paths = Object.entries(projection).filter(([path]) => path !== '_id');
	const named = paths.map(([path]) => path.split('.')[0]);
	const isChoice = paths.some(([, value]) => value === 1);
	return (KEY_FIELDS[key] ?? []).some((field) => named.includes(field) === isChoice);
}

/** What a request has done with one document. */
export interface Touched {
	/** Property name of the collection in `Store`. */
	readonly key: string;
	readonly id: string;
	/** As it was first read. */
	readonly before: Document;
	/** As the request would leave it; null if it would remove it. */
	readonly after: Document | null;
	/** The fields that the request would change. */
	readonly changed: readonly string[];
}

/** One difference. It contains no value, because values may be keys. */
export interface Difference {
	/** Property name of the collection in `Store`. */
	readonly collection: string;
	readonly id: string;
	/** `_id` for a removal. */
	readonly field: string;
	/**
	 * `missing`: Roomkey would have changed it, and it did not change. `unexpected`: it changed, and Roomkey would have
	 * left it. `other`: it changed to another value.
	 */
	readonly found: 'missing' | 'unexpected' | 'other';
}

/** Distinguishes documents of all collections. */
export const nameOf = (key: string, id: string): string => `${key} ${id}`;

/** Finds the differences between documents as a request would have left them and the database. */
export async function findDifferences(real: Store, touched: readonly Touched[]): Promise<Difference[]> {
	const present = new Map<string, Document>();
	for (const key of Object.keys(KEY_FIELDS)) {
		const ids = touched.filter((each) => each.key === key).map(({ id }) => id);
		if (ids.length === 0) continue;
		const collection = real[key as keyof Store] as unknown as Collection<Document>;
		const filter = { _id: { $in: ids } } as Filter<Document>;
		for await (const document of collection.find(filter)) present.set(nameOf(key, document._id), document);
	}
	return touched.flatMap((each) => differencesOf(each, present.get(nameOf(each.key, each.id)) ?? null));
}

function differencesOf({ key, id, before, after, changed }: Touched, present: Document | null): Difference[] {
	const found = { collection: key, id };
	if (after === null || present === null)
		return after === present ? [] : [{ ...found, field: '_id', found: after === null ? 'missing' : 'unexpected' }];
	// Each server writes these for itself.
	const left = new Set(['_updatedAt', 'services', ...(OWN_FIELDS[key] ?? [])]);
	const fields = new Set([...(KEY_FIELDS[key] ?? []), ...changed]);
	return [...fields]
		.filter((field) => !left.has(field) && !isSame(after[field], present[field]))
		.map((field) => {
			if (isSame(present[field], before[field])) return { ...found, field, found: 'missing' };
			return { ...found, field, found: isSame(after[field], before[field]) ? 'unexpected' : 'other' };
		});
}

/** Absent, null, an empty text and an empty list mean the same: nothing. */
const isNothing = (value: unknown) =>
	value === null || value === undefined || (value as ArrayLike<unknown>).length === 0;

/** Whether two values are the same. Two dates always are, because each server takes its own clock. */
function isSame(one: unknown, other: unknown): boolean {
	if (isNothing(one) || isNothing(other)) return isNothing(one) && isNothing(other);
	if (one instanceof Date && other instanceof Date) return true;
	if (typeof one !== 'object' || typeof other !== 'object') return one === other;
	const [some, others] = [one, other] as Record<string, unknown>[];
	return Object.keys({ ...some, ...others }).every((name) => isSame(some?.[name], others?.[name]));
}
