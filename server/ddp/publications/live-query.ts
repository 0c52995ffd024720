/** A subscriber of a live query. Subscribers of the same query share one `ObservedQuery`, which has the last result. */
import { setImmediate } from 'node:timers/promises';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Filter } from '../../../shared/store.js';
import type { CollectionQueries } from './collection-queries.js';
import { type LiveQueryServices, liveQueriesOf } from './live-queries.js';
import type { Difference, Document, Fields, ObservedQuery, QuerySubscriber } from './observed-query.js';

/**
 * Publishes documents to a client. `collection` is the collection's name in DDP. `fields` do not include `_id` and must
 * not be changed. In `changes`, undefined means a removed field.
 */
export interface DocumentPublisher {
	readonly services: LiveQueryServices;
	publishAdded(collection: string, id: string, fields: Fields): void;
	/**
	 * @param before the fields object published last, if known
	 * @param after the new fields object, if `before` is known
	 */
	publishChanged(collection: string, id: string, changes: Fields, before?: Fields, after?: Fields): void;
	publishRemoved(collection: string, id: string): void;
	/** Resolves when the client can receive more documents; undefined if it can now. */
	whenDrained(): Promise<void> | undefined;
	/**
	 * Ends the subscription with an error, because a change could not be published: the client's documents may be
	 * outdated.
	 */
	fail(error: unknown): void;
}

/** Number of documents sent before yielding to the event loop. */
const DOCUMENTS_PER_SLICE = 100;

/** What a subscriber records while it reads the initial result. */
interface InitialRead {
	/** Ids of the documents that have been published. */
	readonly sent: Set<string>;
	/**
	 * Ids of the documents that were read again meanwhile after a write. The initial read may return an older state of
	 * them.
	 */
	readonly reread: Set<string>;
}

/** Publishes the initial result of a live query, then its changes. */
export class LiveQuerySubscriber implements QuerySubscriber {
	readonly #queries: CollectionQueries;
	readonly #observed: ObservedQuery;
	/** Undefined once the initial result is published. */
	#initial: InitialRead | undefined = { sent: new Set(), reread: new Set() };
	/** Ids of the documents that the publish function has removed. */
	#forgotten: Set<string> | undefined;
	#isReading = true;
	#hasStopped = false;

	constructor(
		private readonly query: LiveQuery,
		private readonly publisher: DocumentPublisher,
	) {
		this.#queries = liveQueriesOf(publisher.services, query.collection);
		// Subscribes to changes before it reads the initial result, so that no change is missed.
		this.#observed = this.#queries.subscribe(query, this);
	}

	/** The collection's name in DDP. */
	get name(): string {
		return this.query.name;
	}

	/** Ids of the documents that the client has from this subscriber. */
	get sentIds(): string[] {
		const ids = [...(this.#initial?.sent ?? this.#observed.resultIds)];
		return this.#forgotten ? ids.filter((id) => !this.#forgotten?.has(id)) : ids;
	}

	/** Records that the publish function has removed a document. It stays removed until it changes. */
	forget(collection: string, id: unknown): void {
		if (collection !== this.name || typeof id !== 'string') return;
		if (!this.#isSent(id, this.#observed.isInResult(id))) return;
		this.#initial?.sent.delete(id);
		this.#forgotten ??= new Set();
		this.#forgotten.add(id);
	}

	/** Publishes the initial result. Ends early if the subscriber is stopped. */
	async start(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.#queries.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#hasStopped) return;
			const { _id } = document;
			// If the document was read again meanwhile, its newer state is published already.
			if (!this.#initial?.reread.has(_id)) this.#queries.record(this.#observed, document, this);
			// Checked after each document: a slice of large ones could exceed the limit of bytes buffered for the client.
			const drained = this.publisher.whenDrained();
			if (drained) await drained;
			else if (++count % DOCUMENTS_PER_SLICE === 0) await setImmediate();
		}
		this.#endReading();
		if (!this.#hasStopped) await this.#rereadMissing();
	}

	stop(): void {
		this.#hasStopped = true;
		this.#endReading();
		this.#queries.unsubscribe(this.#observed, this);
	}

	onDocument(id: string, fields: Fields, difference: Difference | undefined, isReread: boolean): void {
		if (this.#hasStopped) return;
		if (isReread) this.#initial?.reread.add(id);
		const isSent = this.#isSent(id, difference !== undefined);
		this.#initial?.sent.add(id);
		this.#forgotten?.delete(id);
		if (!isSent || !difference) this.publisher.publishAdded(this.name, id, fields);
		else this.publisher.publishChanged(this.name, id, difference.changes, difference.before, fields);
	}

	onRemoved(id: string, wasInResult: boolean): void {
		if (this.#hasStopped) return;
		const isSent = this.#isSent(id, wasInResult);
		this.#initial?.reread.add(id);
		this.#initial?.sent.delete(id);
		this.#forgotten?.delete(id);
		if (isSent) this.publisher.publishRemoved(this.name, id);
	}

	onFailure(error: unknown): void {
		if (!this.#hasStopped) this.publisher.fail(error);
	}

	/**
	 * Whether the client has the document from this subscriber.
	 * @param isInResult whether the shared result contains it
	 */
	#isSent(id: string, isInResult: boolean): boolean {
		const wasPublished = this.#initial ? this.#initial.sent.has(id) : isInResult;
		return wasPublished && !this.#forgotten?.has(id);
	}

	#endReading(): void {
		if (this.#isReading) this.#queries.endInitialRead(this.#observed);
		this.#isReading = false;
	}

	/**
	 * Reads the documents again that are in the shared result, but not in this initial result. A write without an event
	 * may have changed them.
	 */
	async #rereadMissing(): Promise<void> {
		const initial = this.#initial as InitialRead;
		for (;;) {
			const isMissing = (id: string) => !initial.sent.has(id) && !this.#forgotten?.has(id);
			const missing = [...this.#observed.resultIds].filter(isMissing);
			if (missing.length === 0 || this.#hasStopped) break;
			await Promise.all(missing.map((id) => this.#queries.reread(id)));
		}
		this.#initial = undefined;
	}
}
