/**
 * Reads at intervals what other programs have written, for servers without change streams. Inserted and updated
 * documents are found by `_updatedAt`; a write that does not change it is not found. Removed documents are found in
 * Rocket.Chat's trash, and by checking whether observed documents still exist.
 */
import type { Log } from '../../../shared/log.js';
import type { WatchedDatabase } from './database.js';
import { DatedDocuments } from './datedDocuments.js';
import { RemovedDocuments } from './removedDocuments.js';
import type { WatchedCollection, WatchSink } from './sink.js';
import { Trash } from './trash.js';

/** Time between the starts of two rounds, in ms. */
const INTERVAL_MS = 1000;

/** Of this many rounds, one is wide (see `DatedDocuments`). */
const WIDE_EVERY = 10;

/** Maximum number of documents of a collection that one round checks for removal. */
const MAX_PER_SWEEP = 5000;

/** Collections with few documents, which need no index on `_updatedAt`. */
const SMALL_COLLECTIONS: ReadonlySet<string> = new Set(['permissions', 'roles', 'settings', 'teams']);

export interface PollingParts {
	readonly collections: readonly WatchedCollection[];
	readonly database: WatchedDatabase;
	readonly sink: WatchSink;
	readonly log: Log;
	/** The ids of a collection's documents that are in results of live queries. */
	observedIds(key: string): Iterable<string>;
	readonly interval?: number;
}

export class Polling {
	/** In ms since 1970. Writes before this time have been reported, except removals, which may be found later. */
	reportedUntil = Date.now();
	readonly #updated: ReadonlyMap<WatchedCollection, DatedDocuments>;
	readonly #trash: Trash;
	readonly #removed: ReadonlyMap<WatchedCollection, RemovedDocuments>;
	/** The ids to check for removal. When none is left, all observed ids are checked again. */
	readonly #toSweep = new Map<WatchedCollection, string[]>();
	#rounds = 0;
	#failures = 0;
	#timer: NodeJS.Timeout | undefined;
	#round: Promise<void> | undefined;
	#isClosed = false;

	constructor(private readonly parts: PollingParts) {
		const { collections, database, sink } = parts;
		this.#updated = new Map(
			collections.map((collection) => [
				collection,
				new DatedDocuments({ database, collection: collection.name, field: '_updatedAt' }),
			]),
		);
		this.#removed = new Map(
			collections.map((collection) => [collection, new RemovedDocuments(collection, database, sink)]),
		);
		this.#trash = new Trash(collections, database, sink);
	}

	/** Remembers the present state, and starts polling. @throws if the database does not answer */
	async start(): Promise<void> {
		const { collections, database, log } = this.parts;
		const withoutIndex: string[] = [];
		for (const { key, name } of collections) {
			if (SMALL_COLLECTIONS.has(key)) continue;
			if (await database.hasIndex(name, '_updatedAt')) continue;
			if (!database.makesIndexes) {
				withoutIndex.push(name);
				continue;
			}
			log.info({ collection: name }, 'Polling needs an index on _updatedAt: making it');
			await database.createIndex(name, '_updatedAt').catch((err: unknown) => {
				log.warn({ err, collection: name }, 'No index on _updatedAt could be made; polling may be slow');
			});
		}
		if (withoutIndex.length > 0)
			log.warn(
				{ collections: withoutIndex },
				'Polling may be slow, because collections have no index on _updatedAt. With --no-index, --read-only or --shadow, Roomkey makes none',
			);
		const startedAt = Date.now();
		await Promise.all([...this.#updated.values()].map((documents) => documents.begin()));
		await this.#trash.begin();
		this.reportedUntil = startedAt;
		this.#schedule(this.parts.interval ?? INTERVAL_MS);
	}

	/** Stops polling. Resolves when no query runs any more. */
	async close(): Promise<void> {
		this.#isClosed = true;
		clearTimeout(this.#timer);
		await this.#round;
	}

	#schedule(delay: number): void {
		if (this.#isClosed) return;
		this.#timer = setTimeout(() => {
			this.#round = this.#poll();
		}, delay);
		this.#timer.unref();
	}

	async #poll(): Promise<void> {
		const startedAt = Date.now();
		try {
			const isWide = this.#rounds++ % WIDE_EVERY === 0 || this.#failures > 0;
			await Promise.all([
				...[...this.#updated].map(([{ key }, documents]) =>
					documents.readNew(isWide, ({ _id }) => this.parts.sink.report(key, _id)),
				),
				this.#trash.poll(isWide),
				...this.parts.collections.map((collection) => this.#sweep(collection)),
			]);
			this.reportedUntil = startedAt;
			this.#failures = 0;
		} catch (err) {
			if (this.#failures++ === 0) this.parts.log.warn({ err }, 'The database could not be polled');
		}
		const { interval = INTERVAL_MS } = this.parts;
		this.#schedule(Math.max(0, interval - (Date.now() - startedAt)));
	}

	/** Reports observed documents of a collection that do not exist any more. */
	async #sweep(collection: WatchedCollection): Promise<void> {
		let ids = this.#toSweep.get(collection) ?? [];
		if (ids.length === 0) ids = [...new Set(this.parts.observedIds(collection.key))];
		this.#toSweep.set(collection, ids);
		const batch = ids.splice(-MAX_PER_SWEEP);
		if (batch.length === 0) return;
		const existing = await this.parts.database.existing(collection.name, batch);
		for (const id of batch) if (!existing.has(id)) this.#removed.get(collection)?.add(id);
	}
}
