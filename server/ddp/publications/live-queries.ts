/**
 * The live queries of a server. A written document is matched in memory, once per distinct query. If it concerns any of
 * them, it is read again, once for all, because events may arrive in another order than their writes were made.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { stringify } from '../../../shared/ejson.js';
import type { Change } from '../../../shared/events.js';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Collection, Filter, Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import type { Bus, Watcher } from '../../cluster/bus.js';
import { type Document, ObservedQuery, type QuerySubscriber } from './observed-query.js';
import { QueriesByText, QueryIndex } from './query-index.js';

/** Documents read in one query after a change. */
const BATCH = 100;

/** Delays before a failed read is repeated, in ms; after the last one the queries fail. */
const RETRIES: readonly number[] = [50, 200, 1000];

export interface LiveQueryServices {
	readonly store: Store;
	readonly bus: Bus;
}

const queriesByBus = new WeakMap<Bus, Map<string, CollectionQueries>>();

/** The live queries on a collection, for the server of this bus. */
export function liveQueriesOf({ store, bus }: LiveQueryServices, collection: keyof Store): CollectionQueries {
	let collections = queriesByBus.get(bus);
	if (!collections) {
		collections = new Map();
		queriesByBus.set(bus, collections);
	}
	let queries = collections.get(collection);
	if (!queries) {
		queries = new CollectionQueries(collection, store, bus);
		collections.set(collection, queries);
	}
	return queries;
}

export class CollectionQueries implements Watcher {
	readonly #queries = new Map<string, ObservedQuery>();
	readonly #index = new QueryIndex();
	/** The queries that name no ids, by the ids of the documents in their results. */
	readonly #byResult = new QueriesByText();
	/** How many subscribers of a query still read the initial result, which may be older than a write since then. */
	readonly #initialReads = new Map<ObservedQuery, number>();
	/** Ids of the documents to read in the next round, and of those being read in the present one. */
	#written = new Set<string>();
	#beingRead: ReadonlySet<string> = new Set();
	/** The present round, and the next one. */
	#round: Promise<void> | undefined;
	#nextRound: Promise<void> | undefined;

	constructor(
		private readonly name: keyof Store,
		private readonly store: Store,
		private readonly bus: Bus,
	) {}

	get collection(): Collection<Document> {
		return this.store[this.name] as unknown as Collection<Document>;
	}

	/** Subscribes to a query, for the initial result and the changes. Identical queries are shared. */
	subscribe(query: LiveQuery, subscriber: QuerySubscriber): ObservedQuery {
		const key = stringify([query.filter, query.projection]) as string;
		let observed = this.#queries.get(key);
		if (!observed) {
			observed = new ObservedQuery(key, query);
			if (this.#queries.size === 0) this.bus.watch({ collection: this.name }, this);
			this.#queries.set(key, observed);
			this.#index.add(observed);
		}
		observed.subscribe(subscriber);
		this.#initialReads.set(observed, (this.#initialReads.get(observed) ?? 0) + 1);
		return observed;
	}

	/** A subscriber has read the initial result, or has stopped before. */
	endInitialRead(query: ObservedQuery): void {
		const left = (this.#initialReads.get(query) ?? 0) - 1;
		if (left > 0) this.#initialReads.set(query, left);
		else this.#initialReads.delete(query);
	}

	unsubscribe(query: ObservedQuery, subscriber: QuerySubscriber): void {
		query.unsubscribe(subscriber);
		if (query.isUsed || this.#queries.get(query.key) !== query) return;
		this.#queries.delete(query.key);
		this.#index.delete(query);
		if (!query.ids) for (const id of query.resultIds) this.#byResult.delete(id, query);
		if (this.#queries.size === 0) this.bus.unwatch({ collection: this.name }, this);
	}

	/** @returns resolves when the write has been published, and never rejects; undefined if it concerns no query */
	onChange({ action, document }: Change): Promise<void> | undefined {
		return this.#mayConcern(action, document as Document) ? this.reread(document._id) : undefined;
	}

	#mayConcern(action: Change['action'], document: Document): boolean {
		const { _id: id } = document;
		// A read in progress may return the state before this write.
		if (this.#initialReads.size > 0 || this.#written.has(id) || this.#beingRead.has(id)) return true;
		for (const _ of this.#withResult(id)) return true;
		if (action === 'removed') return false;
		// Of a user the event contains the id alone.
		if (document._updatedAt === undefined) return true;
		for (const _ of this.#index.matching(document)) return true;
		return false;
	}

	/** The queries whose results contain a document. */
	*#withResult(id: string): Iterable<ObservedQuery> {
		yield* this.#byResult.of(id);
		for (const query of this.#index.withId(id)) if (query.hasResult(id)) yield query;
	}

	/** Reads a document again, as if it had been written. */
	reread(id: string): Promise<void> {
		this.#written.add(id);
		this.#nextRound ??= this.#readWritten();
		return this.#nextRound;
	}

	/** Records a document of an initial result, and notifies the other subscribers of the query. */
	record(query: ObservedQuery, document: Document, reader: QuerySubscriber) {
		const { _id, ...fields } = document;
		if (!query.ids) this.#byResult.add(_id, query);
		return query.record(_id, fields, reader);
	}

	/**
	 * Reads the written documents after the previous round has finished, so that the results of two reads of one document
	 * are published in order. Writes in the same turn are read together.
	 */
	async #readWritten(): Promise<void> {
		await this.#round;
		// The result of the writing method is sent first.
		await setImmediate();
		const written = [...this.#written];
		this.#beingRead = this.#written;
		this.#written = new Set();
		const round = this.#nextRound;
		this.#round = round;
		this.#nextRound = undefined;
		const yielding = createYielder();
		for (let i = 0; i < written.length; i += BATCH) {
			const ids = written.slice(i, i + BATCH);
			const found = await this.#read(ids);
			for (const id of ids) {
				const pause = yielding();
				if (pause) await pause;
				if (found instanceof Map) this.#publish(id, found.get(id));
				else
					for (const query of [...this.#queries.values()])
						for (const subscriber of query.subscribers) subscriber.onFailure(found.error);
			}
		}
		this.#beingRead = new Set();
		if (this.#round === round) this.#round = undefined;
	}

	/** Publishes the state of a document to the subscribers of the queries that contain it, or did. */
	#publish(id: string, document: Document | undefined): void {
		const matching = new Set(document ? this.#index.matching(document) : []);
		for (const query of new Set([...this.#withResult(id), ...this.#initialReads.keys()])) {
			if (matching.has(query)) continue;
			if (!query.ids) this.#byResult.delete(id, query);
			query.drop(id);
		}
		for (const query of matching) {
			if (!query.ids) this.#byResult.add(id, query);
			query.record(id, query.fieldsOf(document as Document));
		}
	}

	/**
	 * Reads documents by id; returns the existing ones, or the error. Reads are repeated, because the database may be
	 * electing a primary.
	 */
	async #read(ids: readonly string[]): Promise<Map<string, Document> | { error: unknown }> {
		for (let attempt = 0; ; attempt++) {
			try {
				const found = new Map<string, Document>();
				const named = { _id: { $in: ids } } as Filter<Document>;
				for await (const document of this.collection.find(named)) found.set(document._id, document);
				return found;
			} catch (error) {
				const delay = RETRIES[attempt];
				if (delay === undefined) return { error };
				await setTimeout(delay, undefined, { ref: false });
				if (this.#queries.size === 0) return new Map();
			}
		}
	}
}
