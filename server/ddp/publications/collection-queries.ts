/**
 * The live queries on one collection. The event of a write contains the written document, or only its id if it is a
 * user, because user documents contain secrets. `QueryIndex` finds in memory the queries that the document matches. If
 * the write may concern a query, the document is read again, once for all queries. The document in the event is not
 * published, because the events of two writes may arrive in the wrong order.
 */
import { setImmediate } from 'node:timers/promises';
import { parse, stringify } from '../../../shared/ejson.js';
import type { Change } from '../../../shared/events.js';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Collection, Filter, Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import type { Bus, Watcher } from '../../cluster/bus.js';
import { type Document, ObservedQuery, type QuerySubscriber } from './observed-query.js';
import { QueriesByString, QueryIndex } from './query-index.js';
import { readUntilAvailable } from './readUntilAvailable.js';

/** Maximum number of documents in one database query. */
const MAX_BATCH = 100;

/** Is notified whether live queries are up to date. */
export interface LiveQueryObserver {
	/** Written documents of a collection cannot be read, so what clients have of them is outdated. */
	onBehind(collection: string): void;
	/** A read of written documents has ended. If it failed, the collection's subscriptions with live queries end. */
	onReadEnded(collection: string): void;
}

function hasAny(items: Iterable<unknown>): boolean {
	for (const _ of items) return true;
	return false;
}

export class CollectionQueries implements Watcher {
	/** The queries, by `ObservedQuery.key`. */
	readonly #queries = new Map<string, ObservedQuery>();
	readonly #index = new QueryIndex();
	/** The queries whose filters list no ids (`ids` is undefined), by the ids of the documents in their results. */
	readonly #byResultId = new QueriesByString();
	/**
	 * Number of subscribers of each query that are reading the initial result, which may lack writes made during the
	 * read.
	 */
	readonly #initialReads = new Map<ObservedQuery, number>();
	// Written documents are read in rounds. Those written during a round are read in the next one.
	/** Ids of the documents of the next round. */
	#written = new Set<string>();
	/** Ids of the documents of the current round. */
	#beingRead: ReadonlySet<string> = new Set();
	/** Resolves when the current round has ended; undefined if there is none. */
	#currentRound: Promise<void> | undefined;
	/** Resolves when the next round has ended; undefined if that round has no documents yet. */
	#nextRound: Promise<void> | undefined;

	constructor(
		private readonly name: keyof Store,
		private readonly store: Store,
		private readonly bus: Bus,
		private readonly observer: LiveQueryObserver | undefined,
	) {}

	get collection(): Collection<Document> {
		return this.store[this.name] as unknown as Collection<Document>;
	}

	/** Subscribes to a query's changes. The subscriber reads the initial result itself. Identical queries are shared. */
	subscribe(query: LiveQuery, subscriber: QuerySubscriber): ObservedQuery {
		const key = stringify([query.filter, query.projection]) as string;
		let observed = this.#queries.get(key);
		if (!observed) {
			observed = new ObservedQuery(key, query);
			const isFirst = this.#queries.size === 0;
			this.#queries.set(key, observed);
			this.#index.add(observed);
			if (isFirst) {
				this.bus.watch({ collection: this.name }, this);
				// A round that began before the last query ended may still run. The writes since then were not noticed, so its
				// documents may be outdated.
				for (const id of this.#beingRead) void this.reread(id);
			}
		}
		observed.subscribe(subscriber);
		this.#initialReads.set(observed, (this.#initialReads.get(observed) ?? 0) + 1);
		return observed;
	}

	/** Must be called once by each subscriber: after the initial read, or when the subscriber stops before. */
	endInitialRead(query: ObservedQuery): void {
		const remaining = (this.#initialReads.get(query) ?? 0) - 1;
		if (remaining > 0) this.#initialReads.set(query, remaining);
		else this.#initialReads.delete(query);
	}

	unsubscribe(query: ObservedQuery, subscriber: QuerySubscriber): void {
		query.unsubscribe(subscriber);
		if (query.hasSubscribers || this.#queries.get(query.key) !== query) return;
		this.#queries.delete(query.key);
		this.#index.delete(query);
		if (!query.ids) {
			for (const id of query.resultIds) this.#byResultId.delete(id, query);
		}
		if (this.#queries.size === 0) this.bus.unwatch({ collection: this.name }, this);
	}

	/**
	 * @returns resolves when the write has been published, and never rejects; undefined if the write concerns no query
	 */
	onChange({ action, document }: Change): Promise<void> | undefined {
		return this.#mayConcern(action, document as Document) ? this.reread(document._id) : undefined;
	}

	#mayConcern(action: Change['action'], document: Document): boolean {
		const { _id: id } = document;
		// A read in progress may return the state before this write. Documents in `#written` are read in the next round,
		// for which the caller must wait.
		if (this.#initialReads.size > 0 || this.#written.has(id) || this.#beingRead.has(id)) return true;
		if (hasAny(this.#queriesContaining(id))) return true;
		if (action === 'removed') return false;
		// Every document has `_updatedAt`. Only the events of users lack it: they contain nothing but the id.
		if (document._updatedAt === undefined) return this.#index.mayMatchId(id);
		return hasAny(this.#index.matching(document));
	}

	*#queriesContaining(id: string): Iterable<ObservedQuery> {
		yield* this.#byResultId.get(id);
		for (const query of this.#index.requiringId(id)) {
			if (query.isInResult(id)) yield query;
		}
	}

	/** Runs all queries again after writes may have been missed, and publishes what differs. @throws if a query fails */
	async refresh(): Promise<void> {
		/** There are several rounds if one begins during a `find`. */
		const rounds = new Set<Promise<void>>();
		for (const { key, ids, resultIds } of [...this.#queries.values()]) {
			const toRead = new Set(ids ?? resultIds);
			if (!ids) {
				// The key contains the filter and the projection.
				const [filter] = parse(key) as [Filter<Document>, unknown];
				for await (const { _id } of this.collection.find(filter, { projection: { _id: 1 } })) toRead.add(_id);
			}
			for (const id of toRead) rounds.add(this.reread(id));
		}
		await Promise.all(rounds);
	}

	*observedIds(): Iterable<string> {
		yield* this.#byResultId.keys();
		for (const query of this.#queries.values()) if (query.ids) yield* query.resultIds;
	}

	/** Reads a document again, and publishes its state. @returns resolves when the state is published; never rejects */
	reread(id: string): Promise<void> {
		this.#written.add(id);
		this.#nextRound ??= this.#readWritten();
		return this.#nextRound;
	}

	/**
	 * Records a document of an initial result, and notifies `reader`. If the document differs from the last result, the
	 * other subscribers of the query are notified too.
	 */
	record(query: ObservedQuery, document: Document, reader: QuerySubscriber): void {
		const { _id, ...fields } = document;
		if (!query.ids) this.#byResultId.add(_id, query);
		query.record(_id, fields, reader);
	}

	/**
	 * Runs a round. First waits for the end of the previous round, so that two reads of one document are published in
	 * order.
	 */
	async #readWritten(): Promise<void> {
		await this.#currentRound;
		// Waits a turn, so that the result of the method that wrote is sent first.
		await setImmediate();
		const written = [...this.#written];
		this.#beingRead = this.#written;
		this.#written = new Set();
		const round = this.#nextRound;
		this.#currentRound = round;
		this.#nextRound = undefined;
		const yielder = createYielder();
		for (let i = 0; i < written.length; i += MAX_BATCH) {
			const ids = written.slice(i, i + MAX_BATCH);
			const found = await this.#read(ids);
			if (!(found instanceof Map)) {
				this.#failAll(found.error);
				continue;
			}
			for (const id of ids) {
				const pause = yielder();
				if (pause) await pause;
				this.#publish(id, found.get(id));
			}
		}
		this.#beingRead = new Set();
		if (this.#currentRound === round) this.#currentRound = undefined;
	}

	#failAll(error: unknown): void {
		for (const query of [...this.#queries.values()]) {
			for (const subscriber of query.subscribers) subscriber.onFailure(error);
		}
	}

	/**
	 * Publishes a document's state to the queries that it matches, and its removal to those that it matched before.
	 * Queries whose initial result is being read are notified of the removal too: the read may still return the document.
	 * @param document undefined if it no longer exists
	 */
	#publish(id: string, document: Document | undefined): void {
		const matching = new Set(document ? this.#index.matching(document) : []);
		for (const query of new Set([...this.#queriesContaining(id), ...this.#initialReads.keys()])) {
			if (matching.has(query)) continue;
			if (!query.ids) this.#byResultId.delete(id, query);
			query.drop(id);
		}
		for (const query of matching) {
			// A subscriber that was notified before may have ended the subscriptions of its client.
			if (!query.hasSubscribers) continue;
			if (!query.ids) this.#byResultId.add(id, query);
			query.record(id, query.projectedFieldsOf(document as Document));
		}
	}

	/**
	 * Reads documents by id, again and again while the store is unavailable.
	 * @returns the documents that exist, by id, or none once no queries are left; or the error of the last attempt
	 */
	async #read(ids: readonly string[]): Promise<Map<string, Document> | { error: unknown }> {
		const byIds = { _id: { $in: ids } } as Filter<Document>;
		const read = async () => {
			const found = new Map<string, Document>();
			for await (const document of this.collection.find(byIds)) found.set(document._id, document);
			return found;
		};
		try {
			const isNeeded = () => this.#queries.size > 0;
			const found = await readUntilAvailable(read, isNeeded, () => this.observer?.onBehind(this.name));
			return found ?? new Map();
		} catch (error) {
			return { error };
		} finally {
			this.observer?.onReadEnded(this.name);
		}
	}
}
