/** One subscriber of a live query: it is shown what matches, and then what becomes of it. */
import { setImmediate } from 'node:timers/promises';
import type { LiveQuery } from '../../../shared/publication.js';
import type { Filter } from '../../../shared/store.js';
import { type CollectionQueries, type LiveQueryServices, liveQueriesOf } from './live-queries.js';
import type { Document, Fields, ObservedQuery, QuerySubscriber } from './observed-query.js';

/**
 * Is called with documents, each in a collection by its name on the wire. `fields` are without `_id`, and nobody else's to
 * change; in `showChange`, undefined stands for a field that is gone.
 */
export interface Observer {
	readonly services: LiveQueryServices;
	show(collection: string, id: string, fields: Fields): void;
	showChange(collection: string, id: string, fields: Fields): void;
	removed(collection: string, id: string): void;
	/** Resolves when the client can take more of a large result. Undefined: it can at once. */
	whenDrained(): Promise<void> | undefined;
	/** What was written cannot be shown: a subscriber that goes on watching would see an incomplete result. */
	failed(error: unknown): void;
}

/** Documents shown before others get their turn. */
const SLICE = 100;

/** What differs between this subscriber and all others of the query. */
interface Difference {
	/** While the first result is read: the documents it has received. Later it receives all that are known. */
	told: Set<string> | undefined;
	/** While the first result is read: documents that were read by themselves meanwhile, which is newer. */
	newer: Set<string> | undefined;
	/** Documents that the publish function took away by itself. */
	forgotten: Set<string> | undefined;
}

/** Shows what matches, then keeps it up to date until it is stopped. */
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
		// Listening begins before reading, so that nothing falls between the two.
		this.#observed = this.#queries.join(query, this);
	}

	/** Name of the collection on the wire. */
	get name(): string {
		return this.query.name;
	}

	/** Ids of the documents it has shown. */
	get shown(): string[] {
		const { told, forgotten } = this.#difference ?? {};
		const ids = [...(told ?? this.#observed.knownIds)];
		return forgotten ? ids.filter((id) => !forgotten.has(id)) : ids;
	}

	/** A document is not shown any more, though it may match. */
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

	/** Shows all there is. Resolves when that is done, or it was stopped before. */
	async show(): Promise<void> {
		const { filter, projection } = this.query;
		let count = 0;
		for await (const document of this.#queries.collection.find(filter as Filter<Document>, { projection })) {
			if (this.#stopped) return;
			const { _id } = document;
			if (!this.#difference?.newer?.has(_id)) this.#tell(_id, this.#queries.note(this.#observed, document, this));
			// Asked after each: a slice of large documents would be more than may wait for a client.
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

	/** Shows a document of the first result. */
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
	 * The first result was shown. What others were told of and it did not hold is read again: it was written without being
	 * announced.
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
