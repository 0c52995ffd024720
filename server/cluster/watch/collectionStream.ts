/** Reads the change stream of one collection. After an outage, the next stream continues at the same place. */
import { setTimeout as delay } from 'node:timers/promises';
import { isObject } from '../../../shared/isObject.js';
import type { Log } from '../../../shared/log.js';
import { Match } from '../../../shared/match.js';
import { isId } from '../../../shared/values.js';
import { retryDelay } from '../retryDelay.js';
import type { ChangeCursor, WatchedDatabase } from './database.js';
import { RemovedDocuments } from './removedDocuments.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** Minimum time between requests that find no event, in ms. Some servers answer at once. */
const MIN_IDLE_MS = 50;

const ChangeEvent = Match.ObjectIncluding({ operationType: String });

const WRITES: ReadonlyMap<string, 'inserted' | 'updated'> = new Map([
	['insert', 'inserted'],
	['update', 'updated'],
	['replace', 'updated'],
]);

/** Operations on the whole collection, which may change any of its documents. */
const COLLECTION_OPERATIONS: ReadonlySet<string> = new Set(['drop', 'dropDatabase', 'rename', 'invalidate']);

export interface CollectionStreamParts {
	readonly collection: WatchedCollection;
	readonly database: Pick<WatchedDatabase, 'openStream' | 'trashed' | 'isUnavailable'>;
	readonly sink: WatchSink;
	readonly log: Log;
}

export class CollectionStream {
	/** Resolves when the stream has been opened for the first time. */
	readonly opened: Promise<void>;
	/** A time, in ms since 1970: all writes before it have been reported. */
	reportedUntil = Date.now();
	readonly #removed: RemovedDocuments;
	#markOpened: () => void = () => {};
	/** The resume token from which the next stream continues. Undefined: it begins at the present. */
	#token: unknown;
	/** Whether writes may have been missed since the stream was last open. */
	#hasMissed = false;
	/** Whether the database must look up the document of an update to name its id. */
	#needsLookup = false;
	#failures = 0;
	#cursor: ChangeCursor | undefined;
	readonly #closing = new AbortController();

	constructor(private readonly parts: CollectionStreamParts) {
		this.#removed = new RemovedDocuments(parts.collection, parts.database, parts.sink);
		this.opened = new Promise((resolve) => {
			this.#markOpened = resolve;
		});
		void this.#run();
	}

	/** Stops reading. The answer to a waiting request is ignored. */
	async close(): Promise<void> {
		this.#closing.abort();
		await this.#cursor?.close().catch(() => {});
	}

	get #isClosed(): boolean {
		return this.#closing.signal.aborted;
	}

	async #run(): Promise<void> {
		const { collection, database } = this.parts;
		while (!this.#isClosed) {
			try {
				this.#cursor = database.openStream(collection.name, {
					resumeAfter: this.#token,
					lookup: this.#needsLookup,
					onOpen: () => this.#onOpen(),
				});
				await this.#read(this.#cursor);
			} catch (error) {
				await this.#onFailure(error);
			} finally {
				await this.#cursor?.close().catch(() => {});
			}
		}
	}

	/** Resolves when the stream is closed or must be opened again. */
	async #read(cursor: ChangeCursor): Promise<void> {
		while (!this.#isClosed) {
			const askedAt = Date.now();
			const event = await cursor.tryNext();
			if (this.#isClosed) return;
			this.#onOpen();
			if (event === null) {
				this.reportedUntil = askedAt;
				this.#token = cursor.resumeToken ?? this.#token;
				const remaining = MIN_IDLE_MS - (Date.now() - askedAt);
				if (remaining > 0) await this.#pause(remaining);
			} else if (!this.#handle(event)) return;
		}
	}

	/** Called at every answer, and at the opening if the server reports it. */
	#onOpen(): void {
		this.#failures = 0;
		this.#markOpened();
		if (!this.#hasMissed) return;
		this.#hasMissed = false;
		this.parts.sink.refreshCollection(this.parts.collection.key);
	}

	/** @returns false if the stream must be opened again */
	#handle(event: unknown): boolean {
		const { collection, sink, log } = this.parts;
		if (!Match.test(event, ChangeEvent)) {
			log.warn({ collection: collection.name }, 'An event of a change stream has no operation');
			return true;
		}
		const { operationType } = event;
		if (COLLECTION_OPERATIONS.has(operationType)) {
			this.#restart();
			return false;
		}
		const id = idOf(event);
		const action = WRITES.get(operationType);
		if (action && id === undefined && !this.#needsLookup) {
			// The stream is opened again with lookups. If its position is known, it reads the same event again.
			this.#needsLookup = true;
			const hasPosition = this.#token !== undefined;
			if (!hasPosition) this.#restart();
			return false;
		}
		if (id !== undefined && action) sink.report(collection.key, id, { action });
		else if (id !== undefined && operationType === 'delete') this.#removed.add(id);
		// The `_id` of an event is the resume token after it.
		if (isObject(event._id)) this.#token = event._id;
		// The clock of the database may be ahead, and an event without a time has infinity.
		this.reportedUntil = Math.min(Date.now(), timeOf(event));
		return true;
	}

	/** Makes the next stream begin at the present. Observed documents are then read again. */
	#restart(): void {
		this.#token = undefined;
		this.#hasMissed = true;
	}

	async #onFailure(err: unknown): Promise<void> {
		if (this.#isClosed) return;
		const { collection, database, log } = this.parts;
		const facts = { err, collection: collection.name };
		if (database.isUnavailable(err)) {
			if (this.#failures === 0) log.warn(facts, 'A change stream was interrupted; it is opened again');
			if (this.#token === undefined) this.#hasMissed = true;
		} else {
			// The history is gone, an event was too large, or the server refuses the stream.
			log.warn(
				facts,
				'A change stream cannot be continued; it begins again at the present, and observed documents are read again',
			);
			this.#restart();
		}
		await this.#pause(retryDelay(++this.#failures));
	}

	async #pause(ms: number): Promise<void> {
		await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
	}
}

/** The id of an event's document. Undefined if the event does not name the document, or the id is no text. */
function idOf({ documentKey, fullDocument }: Record<string, unknown>): string | undefined {
	for (const source of [documentKey, fullDocument]) {
		if (isObject(source) && isId(source._id)) return source._id as string;
	}
	return undefined;
}

/** When the write took place, in ms since 1970; infinity if the event has no time. */
function timeOf({ wallTime, clusterTime }: Record<string, unknown>): number {
	if (wallTime instanceof Date) return wallTime.getTime();
	const seconds = isObject(clusterTime) ? clusterTime.t : undefined;
	// The write may be as late as the end of this second.
	return typeof seconds === 'number' ? seconds * 1000 + 999 : Number.POSITIVE_INFINITY;
}
