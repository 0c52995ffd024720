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

/** Documents shown before others get their turn. */
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
	/** While the first result is read: documents that were read by themselves meanwhile, which is newer. */
	let newer: Set<string> | undefined = new Set();
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
			if (!newer?.has(document._id)) tell(document);
			// Asked after each: a slice of large documents would be more than may wait for a client.
			const room = observer.roomForMore();
			if (room) await room;
			else if (++count % SLICE === 0) await setImmediate();
		}
		newer = undefined;
	}

	async function read(id: string): Promise<Document | null> {
		try {
			return await collection.findOne({ $and: [{ _id: id }, filter] } as Filter<Document>, options);
		} catch (error) {
			// What could not be read now is read at the next change.
			written.add(id);
			throw error;
		}
	}

	async function refresh(): Promise<void> {
		try {
			// What is written in the same step is read once. The first result is not waited for: it takes as long as this
			// client likes, and the methods of all others would not be `updated` until then.
			await undefined;
			for (const id of written) {
				written.delete(id);
				const document = await read(id);
				if (stopped) return;
				newer?.add(id);
				if (document) tell(document);
				else if (known.delete(id)) observer.removed(id);
			}
		} finally {
			// In the same step in which the loop ended: a write that comes after it begins a new one.
			refreshing = undefined;
		}
	}

	function onChange({ collection: name, document: { _id: id } }: Change): Promise<void> | undefined {
		if (name !== query.collection) return undefined;
		const { _id: only } = query.filter as { _id?: unknown };
		if (typeof only === 'string' && only !== id) return undefined;
		written.add(id);
		refreshing ??= refresh();
		return refreshing;
	}

	// Listening begins before reading, so that nothing falls between the two.
	const stopListening = bus.on('changed', onChange);
	const shown = showAll();
	return {
		shown,
		stop() {
			stopped = true;
			stopListening();
		},
	};
}
