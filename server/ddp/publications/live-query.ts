/** A live query at work: what matches is shown, and read again when something was written to it. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Change } from '../../../shared/events.js';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Collection, Filter, Store } from '../../../shared/store.js';
import type { Bus, Watched, Watcher } from '../../cluster/bus.js';

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
	whenDrained(): Promise<void> | undefined;
	/** What was written cannot be shown: whoever goes on watching would see less than there is. */
	failed(error: unknown): void;
}

/** Documents shown before others get their turn. */
const SLICE = 100;

/** Documents read in one query, after a change. */
const BATCH = 100;

/** Waits before what could not be read is read again, in ms; after the last there is no hope. */
const RETRIES: readonly number[] = [50, 200, 1000];

/**
 * Shows what matches, then keeps it up to date until it is stopped. A class, since every client has one of its own user.
 *
 * A change says only which document was written: whether it matches, and what it now holds, the store is asked. So no
 * second matcher has to agree with the store's, and several writes in a row cost one read. It is asked in rounds: what was
 * written before a round began is shown when that has ended, however much is written meanwhile.
 */
export class Observation implements Watcher {
	/** What was last told of each document, by id; of one that is watched alone, without a Map. Undefined: none is shown. */
	#sent: Map<string, Fields> | Fields | undefined;
	/** Documents that were written since the last round began; made when one is. */
	#written: Set<string> | undefined;
	/** While the first result is read: documents that were read by themselves meanwhile, which is newer. */
	#newer: Set<string> | undefined = new Set();
	#stopped = false;
	/** The round that is being read, and the one that will be behind it. */
	#round: Promise<void> | undefined;
	#nextRound: Promise<void> | undefined;

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
		if (this.#sent instanceof Map) return this.#sent.keys();
		return this.#sent ? [this.only as string] : [];
	}

	/** A document is not shown any more, though it may match. */
	forget(collection: string, id: unknown): void {
		if (collection === this.name) this.forgetSent(id);
	}

	/** Shows all there is. Resolves when that is done, or it was stopped before. */
	async show(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#stopped) return;
			if (!this.#newer?.has(document._id)) this.send(document);
			// Asked after each: a slice of large documents would be more than may wait for a client.
			const room = this.observer.whenDrained();
			if (room) await room;
			else if (++count % SLICE === 0) await setImmediate();
		}
		this.#newer = undefined;
	}

	stop(): void {
		this.#stopped = true;
		this.observer.services.bus.unwatch(this.watched, this);
	}

	/** @returns resolves, and never rejects, when what was written has been shown */
	onChange({ document: { _id: id } }: Change): Promise<void> {
		this.#written ??= new Set();
		this.#written.add(id);
		this.#nextRound ??= this.refresh();
		return this.#nextRound;
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

	private send(document: Document): void {
		const { _id: id, ...fields } = document;
		const before = this.#sent instanceof Map ? this.#sent.get(id) : this.#sent;
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
		if (this.only !== undefined) this.#sent = fields;
		else if (this.#sent instanceof Map) this.#sent.set(id, fields);
		else this.#sent = new Map([[id, fields]]);
	}

	/** @returns whether it was known */
	private forgetSent(id: unknown): boolean {
		if (this.#sent instanceof Map) return this.#sent.delete(id as string);
		const wasKnown = this.#sent !== undefined && id === this.only;
		if (wasKnown) this.#sent = undefined;
		return wasKnown;
	}

	/** Reads what was written, behind the round before: of two reads of one document, the later one must be told last. */
	private async refresh(): Promise<void> {
		// What is written in the same step is read once, even where there is no round before. The first result is not waited
		// for: it takes as long as this client likes, and the methods of all others would not be `updated` until then.
		await this.#round;
		// The result of the method that wrote leaves first.
		await setImmediate();
		const written = [...(this.#written ?? [])];
		this.#written = undefined;
		const round = this.#nextRound;
		this.#round = round;
		this.#nextRound = undefined;
		try {
			for (let i = 0; i < written.length && !this.#stopped; i += BATCH) await this.refetch(written.slice(i, i + BATCH));
		} catch (error) {
			this.observer.failed(error);
		}
		if (this.#round === round) this.#round = undefined;
	}

	/** Shows what has become of some documents, in the order in which they were written. */
	private async refetch(ids: readonly string[]): Promise<void> {
		const found = await this.read(ids);
		for (const id of ids) {
			if (this.#stopped) return;
			this.#newer?.add(id);
			const document = found.get(id);
			if (document) this.send(document);
			else if (this.forgetSent(id)) this.observer.removed(this.name, id);
		}
	}

	/** Those of some documents that match. Tried again a few times: the store may be busy electing somebody. */
	private async read(ids: readonly string[]): Promise<Map<string, Document>> {
		const { filter, projection } = this.query;
		// The ids stand beside the filter, not within `$and`: there no index would be asked.
		const among = { _id: { $in: ids }, $and: [filter] } as Filter<Document>;
		for (let attempt = 0; ; attempt++) {
			try {
				const found = new Map<string, Document>();
				for await (const document of this.collection.find(among, { projection })) found.set(document._id, document);
				return found;
			} catch (error) {
				const delay = RETRIES[attempt];
				if (delay === undefined) throw error;
				await setTimeout(delay, undefined, { ref: false });
				if (this.#stopped) return new Map();
			}
		}
	}
}
