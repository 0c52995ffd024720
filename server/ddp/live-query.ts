/** A live query at work: what matches is shown, and read again when something was written to it. */
import { setImmediate } from 'node:timers/promises';
import type { Change } from '../../shared/events.js';
import type { LiveQuery } from '../../shared/publication.js';
import type { Collection, Filter, Store } from '../../shared/store.js';
import type { Bus } from '../events/bus.js';

type Document = { _id: string };
type Fields = Record<string, unknown>;

/** What is told of the documents. `fields` are without `_id`; in `changed`, undefined stands for a field that is gone. */
export interface Observer {
	added(id: string, fields: Fields): void;
	changed(id: string, fields: Fields): void;
	removed(id: string): void;
	/** Resolves when the client can take more of a large result. Undefined: it can at once. */
	roomForMore(): Promise<void> | undefined;
}

/** Documents shown between two looks at whether the client can take more. */
const SLICE = 100;

/**
 * Shows what matches, then keeps it up to date.
 *
 * A change says only which document was written: whether it matches, and what it now holds, the store is asked. So no
 * second matcher has to agree with the store's, and several writes in a row cost one read.
 * @returns resolves when all is shown; `stop` ends it, also before
 */
export function observe(
	query: LiveQuery,
	{ store, bus }: { store: Store; bus: Bus },
	observer: Observer,
): { shown: Promise<void>; stop(): void } {
	const collection = store[query.collection] as unknown as Collection<Document>;
	const filter = query.filter as Filter<Document>;
	const options = { projection: query.projection };
	/** What was last told of each document. */
	const known = new Map<string, Fields>();
	/** Documents that were written since they were last read. */
	const written = new Set<string>();
	let stopped = false;
	let refreshing: Promise<void> | undefined;

	function tell(document: Document): void {
		const { _id: id, ...fields } = document;
		const before = known.get(id);
		known.set(id, fields);
		if (!before) {
			observer.added(id, fields);
			return;
		}
		const gone = Object.keys(before).filter((name) => !(name in fields));
		observer.changed(
			id,
			gone.length === 0 ? fields : { ...fields, ...Object.fromEntries(gone.map((n) => [n, undefined])) },
		);
	}

	async function showAll(): Promise<void> {
		let count = 0;
		for await (const document of collection.find(filter, options)) {
			if (stopped) return;
			tell(document);
			if (++count % SLICE === 0) await (observer.roomForMore() ?? setImmediate());
		}
	}

	async function refresh(): Promise<void> {
		try {
			// What was written while the first result was read may or may not be in it.
			await shown;
			for (const id of written) {
				written.delete(id);
				const document = await collection.findOne({ $and: [{ _id: id }, filter] } as Filter<Document>, options);
				if (stopped) return;
				if (document) tell(document);
				else if (known.delete(id)) observer.removed(id);
			}
		} finally {
			// In the same step in which the loop ended: a write that comes after it begins a new one.
			refreshing = undefined;
		}
	}

	function onChange({ document: { _id: id } }: Change): Promise<void> {
		written.add(id);
		refreshing ??= refresh();
		return refreshing;
	}

	// Listening begins before reading, so that nothing falls between the two.
	const { _id: only } = query.filter as { _id?: unknown };
	const id = typeof only === 'string' ? only : undefined;
	const stopListening = bus.watch({ collection: query.collection, id }, onChange);
	const shown = showAll();
	return {
		shown,
		stop() {
			stopped = true;
			stopListening();
		},
	};
}
