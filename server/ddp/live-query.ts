/** A live query at work: what matches is shown, and read again when something was written to it. */
import { setImmediate } from 'node:timers/promises';
import type { Change } from '../../shared/events.js';
import type { LiveQuery } from '../../shared/publication.js';
import type { Collection, Filter, Store } from '../../shared/store.js';
import type { Bus, Watched, Watcher } from '../events/bus.js';

type Document = { _id: string };
type Fields = Record<string, unknown>;

/**
 * Is told of documents, each of a collection by its name on the wire. `fields` are without `_id`, and nobody else's to
 * change; in `showChange`, undefined stands for a field that is gone.
 */
export interface Observer {
	readonly services: { readonly store: Store; readonly bus: Bus };
	show(collection: string, id: string, fields: Fields): void;
	showChange(collection: string, id: string, fields: Fields): void;
	removed(collection: string, id: string): void;
	/** Resolves when the client can take more of a large result. Undefined: it can at once. */
	roomForMore(): Promise<void> | undefined;
}

/** Documents shown before others get their turn. */
const SLICE = 100;

/**
 * Shows what matches, then keeps it up to date until it is stopped. A class, since every client has one of its own user.
 *
 * A change says only which document was written: whether it matches, and what it now holds, the store is asked. So no
 * second matcher has to agree with the store's, and several writes in a row cost one read.
 */
export class Observation implements Watcher {
	/** What was last told of each document, by id; of one that is watched alone, without a Map. Undefined: none is shown. */
	#known: Map<string, Fields> | Fields | undefined;
	/** While there are any: documents that were written since they were last read. */
	#written: Set<string> | undefined;
	/** While the first result is read: documents that were read by themselves meanwhile, which is newer. */
	#newer: Set<string> | undefined = new Set();
	#stopped = false;
	#refreshing: Promise<void> | undefined;

	constructor(
		private readonly query: LiveQuery,
		private readonly observer: Observer,
	) {
		// Listening begins before reading, so that nothing falls between the two.
		observer.services.bus.watch(this.watched, this);
	}

	/** Name of the collection on the wire. */
	get name(): string {
		return this.query.name;
	}

	/** Ids of the documents it has shown. */
	get shown(): Iterable<string> {
		if (this.#known instanceof Map) return this.#known.keys();
		return this.#known ? [this.only as string] : [];
	}

	/** A document is not shown any more, though it may match. */
	forget(collection: string, id: unknown): void {
		if (collection === this.name) this.unknow(id);
	}

	/** Shows all there is. Resolves when that is done, or it was stopped before. */
	async show(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#stopped) return;
			if (!this.#newer?.has(document._id)) this.tell(document);
			// Asked after each: a slice of large documents would be more than may wait for a client.
			const room = this.observer.roomForMore();
			if (room) await room;
			else if (++count % SLICE === 0) await setImmediate();
		}
		this.#newer = undefined;
	}

	stop(): void {
		this.#stopped = true;
		this.observer.services.bus.unwatch(this.watched, this);
	}

	onChange({ document: { _id: id } }: Change): Promise<void> {
		this.#written ??= new Set();
		this.#written.add(id);
		this.#refreshing ??= this.refresh(this.#written);
		return this.#refreshing;
	}

	/** The one document that may match, where the query names it. */
	private get only(): string | undefined {
		const { _id } = this.query.filter as { _id?: unknown };
		return typeof _id === 'string' ? _id : undefined;
	}

	private get watched(): Watched {
		return { collection: this.query.collection, id: this.only };
	}

	private get collection(): Collection<Document> {
		return this.observer.services.store[this.query.collection] as unknown as Collection<Document>;
	}

	private tell(document: Document): void {
		const { _id: id, ...fields } = document;
		const before = this.#known instanceof Map ? this.#known.get(id) : this.#known;
		if (before) {
			const gone = Object.keys(before).filter((name) => !(name in fields));
			this.observer.showChange(
				this.name,
				id,
				gone.length === 0 ? fields : { ...fields, ...Object.fromEntries(gone.map((n) => [n, undefined])) },
			);
		} else {
			this.observer.show(this.name, id, fields);
		}
		// What cannot be told is not known.
		if (this.only !== undefined) this.#known = fields;
		else if (this.#known instanceof Map) this.#known.set(id, fields);
		else this.#known = new Map([[id, fields]]);
	}

	/** @returns whether it was known */
	private unknow(id: unknown): boolean {
		if (this.#known instanceof Map) return this.#known.delete(id as string);
		const wasKnown = this.#known !== undefined && id === this.only;
		if (wasKnown) this.#known = undefined;
		return wasKnown;
	}

	private async read(id: string, written: Set<string>): Promise<Document | null> {
		const { filter, projection } = this.query;
		try {
			return await this.collection.findOne({ $and: [{ _id: id }, filter] } as Filter<Document>, { projection });
		} catch (error) {
			// What could not be read now is read at the next change.
			written.add(id);
			throw error;
		}
	}

	private async refresh(written: Set<string>): Promise<void> {
		try {
			// What is written in the same step is read once. The first result is not waited for: it takes as long as this
			// client likes, and the methods of all others would not be `updated` until then.
			await undefined;
			for (const id of written) {
				written.delete(id);
				const document = await this.read(id, written);
				if (this.#stopped) return;
				this.#newer?.add(id);
				if (document) this.tell(document);
				else if (this.unknow(id)) this.observer.removed(this.name, id);
			}
		} finally {
			// In the same step in which the loop ended: a write that comes after it begins a new one.
			this.#refreshing = undefined;
			if (written.size === 0) this.#written = undefined;
		}
	}
}
