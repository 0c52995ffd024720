/**
 * All live queries of a server. A document that was written is read once, and matched in memory once per distinct
 * query: queries with an id or a field value are found by an index; all others are tested one by one.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { stringify } from '../../../shared/ejson.js';
import type { Change } from '../../../shared/events.js';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Collection, Filter, Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import type { Bus, Watcher } from '../../cluster/bus.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { type Document, ObservedQuery, type QuerySubscriber, valuesAt } from './observed-query.js';

/** Documents read in one query after a change. */
const BATCH = 100;

/** Delays before a failed read is repeated, in ms; after the last one the queries fail. */
const RETRIES: readonly number[] = [50, 200, 1000];

export interface LiveQueryServices {
	readonly store: Store;
	readonly bus: Bus;
}

type CollectionName = keyof Store;

const ofBus = new WeakMap<Bus, Map<CollectionName, CollectionQueries>>();

/** The live queries on a collection, for the server of this bus. */
export function liveQueriesOf({ store, bus }: LiveQueryServices, collection: CollectionName): CollectionQueries {
	let collections = ofBus.get(bus);
	if (!collections) {
		collections = new Map();
		ofBus.set(bus, collections);
	}
	let queries = collections.get(collection);
	if (!queries) {
		queries = new CollectionQueries(collection, store, bus);
		collections.set(collection, queries);
	}
	return queries;
}

/** Queries that require one of several strings, by string. */
type ByText = Map<string, CompactSet<ObservedQuery>>;

export class CollectionQueries implements Watcher {
	readonly #queries = new Map<string, ObservedQuery>();
	readonly #byId: ByText = new Map();
	/** By the path of the field, then by its value. */
	readonly #byValue = new Map<string, ByText>();
	/** The queries in the value index that match a document now, by document id: the value may change. */
	readonly #holding: ByText = new Map();
	readonly #others = new Set<ObservedQuery>();
	/** How many subscribers of a query still read its first result. What they read may be older than what was written since. */
	readonly #reading = new Map<ObservedQuery, number>();
	/** Documents that were written since the last round began. */
	#written = new Set<string>();
	/** The read in progress, and the next one. */
	#round: Promise<void> | undefined;
	#nextRound: Promise<void> | undefined;

	constructor(
		private readonly name: CollectionName,
		private readonly store: Store,
		private readonly bus: Bus,
	) {}

	get collection(): Collection<Document> {
		return this.store[this.name] as unknown as Collection<Document>;
	}

	/** Subscribes to a query; identical queries are shared. */
	join(query: LiveQuery, subscriber: QuerySubscriber): ObservedQuery {
		const key = stringify([query.filter, query.projection]) as string;
		let observed = this.#queries.get(key);
		if (!observed) {
			observed = new ObservedQuery(key, query);
			if (this.#queries.size === 0) this.bus.watch({ collection: this.name }, this);
			this.#queries.set(key, observed);
			this.#index(observed, add);
		}
		observed.join(subscriber);
		this.#reading.set(observed, (this.#reading.get(observed) ?? 0) + 1);
		return observed;
	}

	/** A subscriber has read the first result, or has stopped before. */
	endReading(observed: ObservedQuery): void {
		const left = (this.#reading.get(observed) ?? 0) - 1;
		if (left > 0) this.#reading.set(observed, left);
		else this.#reading.delete(observed);
	}

	leave(observed: ObservedQuery, subscriber: QuerySubscriber): void {
		observed.leave(subscriber);
		if (observed.isUsed || this.#queries.get(observed.key) !== observed) return;
		this.#queries.delete(observed.key);
		this.#index(observed, remove);
		if (observed.selector) for (const id of observed.knownIds) remove(this.#holding, id, observed);
		if (this.#queries.size === 0) this.bus.unwatch({ collection: this.name }, this);
	}

	/** @returns resolves when the write has been published, and never rejects; undefined if it affects no query */
	onChange({ document: { _id: id } }: Change): Promise<void> | undefined {
		if (this.#others.size === 0 && this.#byValue.size === 0 && !this.#byId.has(id)) return undefined;
		return this.reread(id);
	}

	/** Reads a document again, as if it had been written. */
	reread(id: string): Promise<void> {
		this.#written.add(id);
		this.#nextRound ??= this.#refresh();
		return this.#nextRound;
	}

	/** Records a document of an initial result, and notifies the other subscribers of the query. */
	note(observed: ObservedQuery, document: Document, reader: QuerySubscriber) {
		const { _id, ...fields } = document;
		const noted = observed.note(_id, fields, reader);
		if (observed.selector) add(this.#holding, _id, observed);
		return noted;
	}

	#index(observed: ObservedQuery, change: typeof add): void {
		const { ids, selector } = observed;
		if (ids) for (const id of ids) change(this.#byId, id, observed);
		else if (selector) {
			const path = selector.path.join('.');
			const values: ByText = this.#byValue.get(path) ?? new Map();
			for (const value of selector.values) change(values, value, observed);
			if (values.size > 0) this.#byValue.set(path, values);
			else this.#byValue.delete(path);
		} else if (change === add) this.#others.add(observed);
		else this.#others.delete(observed);
	}

	/**
	 * Reads the written documents after the previous read has finished, so that the results of two reads of one document
	 * are published in order. Writes in the same turn are read together.
	 */
	async #refresh(): Promise<void> {
		await this.#round;
		// The result of the writing method is sent first.
		await setImmediate();
		const written = [...this.#written];
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
				if (found instanceof Map) this.#show(id, found.get(id));
				else
					for (const query of [...this.#queries.values()])
						for (const one of query.subscribers) one.onFailure(found.error);
			}
		}
		if (this.#round === round) this.#round = undefined;
	}

	#show(id: string, document: Document | undefined): void {
		for (const query of this.#affected(id, document)) {
			if (document && query.matches(document)) {
				query.note(id, query.fieldsOf(document));
				if (query.selector) add(this.#holding, id, query);
			} else {
				query.drop(id);
				if (query.selector) remove(this.#holding, id, query);
			}
		}
	}

	/** The queries that may match a document, before or after the change. */
	#affected(id: string, document: Document | undefined): Set<ObservedQuery> {
		const affected = new Set([...this.#others, ...this.#reading.keys()]);
		for (const query of membersOf(this.#byId.get(id))) affected.add(query);
		for (const query of membersOf(this.#holding.get(id))) affected.add(query);
		if (document)
			for (const [path, queries] of this.#byValue)
				for (const value of valuesAt(document, path.split('.')))
					for (const query of membersOf(queries.get(value))) affected.add(query);
		return affected;
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

function add(queries: ByText, text: string, query: ObservedQuery): void {
	queries.set(text, addMember(queries.get(text), query));
}

function remove(queries: ByText, text: string, query: ObservedQuery): void {
	const left = removeMember(queries.get(text), query);
	if (left) queries.set(text, left);
	else queries.delete(text);
}
