/** One subscriber of a live query: it receives the initial result and then the changes. */
import { setImmediate } from 'node:timers/promises';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Filter } from '../../../shared/store.js';
import { type CollectionQueries, type LiveQueryServices, liveQueriesOf } from './live-queries.js';
import type { Difference, Document, Fields, ObservedQuery, QuerySubscriber } from './observed-query.js';

/**
 * Publishes documents, with the collection's name in DDP. `fields` do not include `_id` and must not be changed; in
 * changes, undefined means a removed field.
 */
export interface DocumentPublisher {
	readonly services: LiveQueryServices;
	publishAdded(collection: string, id: string, fields: Fields): void;
	/** @param after the fields of the document after the change, if the object published before is `before` */
	publishChanged(collection: string, id: string, changes: Fields, before?: Fields, after?: Fields): void;
	publishRemoved(collection: string, id: string): void;
	/** Resolves when the client can receive more of a large result. Undefined: immediately. */
	whenDrained(): Promise<void> | undefined;
	/** A write cannot be published: a subscription that continued would be incomplete. */
	fail(error: unknown): void;
}

/** Documents sent before yielding to the event loop. */
const SLICE = 100;

/** While the initial result is read. */
interface InitialRead {
	/** Ids of the documents already sent. */
	readonly sent: Set<string>;
	/** Ids of the documents that were read individually meanwhile, and are newer. */
	readonly reread: Set<string>;
}

/** Publishes the matching documents and their changes until it is stopped. */
export class LiveQuerySubscriber implements QuerySubscriber {
	readonly #queries: CollectionQueries;
	readonly #observed: ObservedQuery;
	/** Undefined once all documents of the result are sent. */
	#initial: InitialRead | undefined = { sent: new Set(), reread: new Set() };
	/** Ids of the documents that the publish function has removed itself. */
	#forgotten: Set<string> | undefined;
	#isReading = true;
	#hasStopped = false;

	constructor(
		private readonly query: LiveQuery,
		private readonly publisher: DocumentPublisher,
	) {
		this.#queries = liveQueriesOf(publisher.services, query.collection);
		// The subscription to changes starts before the read, so that no change is missed.
		this.#observed = this.#queries.subscribe(query, this);
	}

	/** Name of the collection in DDP. */
	get name(): string {
		return this.query.name;
	}

	/** Ids of the documents it has published. */
	get sentIds(): string[] {
		const ids = [...(this.#initial?.sent ?? this.#observed.resultIds)];
		return this.#forgotten ? ids.filter((id) => !this.#forgotten?.has(id)) : ids;
	}

	/** Excludes a document, although it may match, until it changes. */
	forget(collection: string, id: unknown): void {
		if (collection !== this.name || typeof id !== 'string') return;
		if (!this.#isSent(id, this.#observed.hasResult(id))) return;
		this.#initial?.sent.delete(id);
		this.#forgotten ??= new Set();
		this.#forgotten.add(id);
	}

	/** Publishes the initial result. Resolves when that is done, or when it is stopped. */
	async start(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.#queries.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#hasStopped) return;
			const { _id } = document;
			if (!this.#initial?.reread.has(_id)) this.#publish(_id, this.#queries.record(this.#observed, document, this));
			// Checked after each document: a slice of large documents could exceed the client's buffer limit.
			const drained = this.publisher.whenDrained();
			if (drained) await drained;
			else if (++count % SLICE === 0) await setImmediate();
		}
		this.#endReading();
		if (!this.#hasStopped) await this.#completeResult();
	}

	stop(): void {
		this.#hasStopped = true;
		this.#endReading();
		this.#queries.unsubscribe(this.#observed, this);
	}

	onDocument(id: string, fields: Fields, difference: Difference | undefined, isRead: boolean): void {
		if (this.#hasStopped) return;
		if (isRead) this.#initial?.reread.add(id);
		this.#publish(id, fields, difference);
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

	/** @param difference from what was published; undefined for a document that is new in the result */
	#publish(id: string, fields: Fields, difference?: Difference): void {
		const isSent = this.#isSent(id, difference !== undefined);
		this.#initial?.sent.add(id);
		this.#forgotten?.delete(id);
		if (!isSent) this.publisher.publishAdded(this.name, id, fields);
		else if (!difference) this.publisher.publishChanged(this.name, id, fields);
		else this.publisher.publishChanged(this.name, id, difference.changes, difference.before, fields);
	}

	/** @param isInResult whether the shared result contains the document */
	#isSent(id: string, isInResult: boolean): boolean {
		return (this.#initial ? this.#initial.sent.has(id) : isInResult) && !this.#forgotten?.has(id);
	}

	#endReading(): void {
		if (this.#isReading) this.#queries.endInitialRead(this.#observed);
		this.#isReading = false;
	}

	/**
	 * Called after the initial result. Documents that other subscribers have, but the result does not contain, are read
	 * again: they were changed by an unannounced write.
	 */
	async #completeResult(): Promise<void> {
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
