/** One subscriber of a live query: it receives the initial result and then the changes. */
import { setImmediate } from 'node:timers/promises';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Filter } from '../../../shared/store.js';
import { type CollectionQueries, type LiveQueryServices, liveQueriesOf } from './live-queries.js';
import type { Document, Fields, ObservedQuery, QuerySubscriber } from './observed-query.js';

/**
 * Receives documents, with the collection's name in DDP. `fields` do not include `_id` and must not be changed; in
 * `showChange`, undefined means a removed field.
 */
export interface Observer {
	readonly services: LiveQueryServices;
	show(collection: string, id: string, fields: Fields): void;
	showChange(collection: string, id: string, fields: Fields): void;
	removed(collection: string, id: string): void;
	/** Resolves when the client can receive more of a large result. Undefined: immediately. */
	whenDrained(): Promise<void> | undefined;
	/** A write cannot be published: a subscription that continued would be incomplete. */
	failed(error: unknown): void;
}

/** Documents sent before yielding to the event loop. */
const SLICE = 100;

/** The state of this subscriber that differs from other subscribers of the query. */
interface Difference {
	/**
	 * While the initial result is read: the documents already published. Afterwards all documents of the query are
	 * published.
	 */
	told: Set<string> | undefined;
	/** While the initial result is read: documents that were read individually meanwhile, and are newer. */
	newer: Set<string> | undefined;
	/** Documents that the publish function has removed itself. */
	forgotten: Set<string> | undefined;
}

/** Publishes the matching documents and their changes until it is stopped. */
export class Observation implements QuerySubscriber {
	readonly #queries: CollectionQueries;
	readonly #observed: ObservedQuery;
	#difference: Difference | undefined = { told: new Set(), newer: new Set(), forgotten: undefined };
	#isReading = true;
	#stopped = false;

	constructor(
		private readonly query: LiveQuery,
		private readonly observer: Observer,
	) {
		this.#queries = liveQueriesOf(observer.services, query.collection);
		// The subscription to changes starts before the read, so that no change is missed.
		this.#observed = this.#queries.join(query, this);
	}

	/** Name of the collection in DDP. */
	get name(): string {
		return this.query.name;
	}

	/** Ids of the documents it has published. */
	get shown(): string[] {
		const { told, forgotten } = this.#difference ?? {};
		const ids = [...(told ?? this.#observed.knownIds)];
		return forgotten ? ids.filter((id) => !forgotten.has(id)) : ids;
	}

	/** Excludes a document, although it may match. */
	forget(collection: string, id: unknown): void {
		if (
			collection !== this.name ||
			typeof id !== 'string' ||
			!this.#wasTold(id, this.#observed.known(id) !== undefined)
		)
			return;
		this.#difference ??= { told: undefined, newer: undefined, forgotten: undefined };
		this.#difference.told?.delete(id);
		this.#difference.forgotten ??= new Set();
		this.#difference.forgotten.add(id);
	}

	/** Publishes the initial result. Resolves when that is done, or when it is stopped. */
	async show(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.#queries.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#stopped) return;
			const { _id } = document;
			if (!this.#difference?.newer?.has(_id)) this.#tell(_id, this.#queries.note(this.#observed, document, this));
			// Checked after each document: a slice of large documents could exceed the client's buffer limit.
			const room = this.observer.whenDrained();
			if (room) await room;
			else if (++count % SLICE === 0) await setImmediate();
		}
		this.#endReading();
		if (!this.#stopped) await this.#settle();
	}

	stop(): void {
		this.#stopped = true;
		this.#endReading();
		this.#queries.leave(this.#observed, this);
	}

	#endReading(): void {
		if (this.#isReading) this.#queries.endReading(this.#observed);
		this.#isReading = false;
	}

	onDocument(id: string, fields: Fields, changes: Fields | undefined, isRead: boolean): void {
		if (this.#stopped) return;
		if (isRead) this.#difference?.newer?.add(id);
		const wasTold = this.#wasTold(id, changes !== undefined);
		this.#noteTold(id);
		if (wasTold) this.observer.showChange(this.name, id, changes ?? fields);
		else this.observer.show(this.name, id, fields);
	}

	onGone(id: string, wasKnown: boolean): void {
		if (this.#stopped) return;
		this.#difference?.newer?.add(id);
		const wasTold = this.#wasTold(id, wasKnown);
		this.#difference?.told?.delete(id);
		this.#difference?.forgotten?.delete(id);
		if (wasTold) this.observer.removed(this.name, id);
	}

	onFailure(error: unknown): void {
		if (!this.#stopped) this.observer.failed(error);
	}

	/** Publishes a document of the initial result. */
	#tell(id: string, fields: Fields): void {
		const wasTold = this.#wasTold(id, false);
		this.#noteTold(id);
		if (wasTold) this.observer.showChange(this.name, id, fields);
		else this.observer.show(this.name, id, fields);
	}

	#wasTold(id: string, wasKnown: boolean): boolean {
		const { told, forgotten } = this.#difference ?? {};
		return (told ? told.has(id) : wasKnown) && !forgotten?.has(id);
	}

	#noteTold(id: string): void {
		this.#difference?.told?.add(id);
		this.#difference?.forgotten?.delete(id);
	}

	/**
	 * Called after the initial result. Documents that other subscribers have, but the result does not contain, are read
	 * again: they were changed by an unannounced write.
	 */
	async #settle(): Promise<void> {
		const difference = this.#difference as Difference;
		difference.newer = undefined;
		for (;;) {
			const { told, forgotten } = difference;
			const missing = [...this.#observed.knownIds].filter((id) => !told?.has(id) && !forgotten?.has(id));
			if (missing.length === 0 || this.#stopped) break;
			await Promise.all(missing.map((id) => this.#queries.reread(id)));
		}
		difference.told = undefined;
		if (!difference.forgotten) this.#difference = undefined;
	}
}
