/**
 * Reports what other programs write to the database. It uses MongoDB's change streams, or asks the database at
 * intervals (polling).
 */
import type { Log } from '../../../shared/log.js';
import { StoreError } from '../../../shared/storeErrors.js';
import type { PartHealth } from '../partHealth.js';
import { ChangeStreams, whyNoChangeStreams } from './changeStreams.js';
import type { WatchedDatabase } from './database.js';
import { Polling } from './polling.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** `auto`: change streams if the server has them, else polling. */
export type WatchMode = 'auto' | 'change-streams' | 'polling';

/** The state of a watcher, for health and metrics. */
export interface WatcherState {
	readonly mode: Exclude<WatchMode, 'auto'>;
	/** All writes that are older than this many ms have been reported. */
	readonly behindMs: number;
	/** Number of written documents by collection. A document may be counted more than once. */
	readonly found: ReadonlyMap<string, number>;
	/** How often a collection's observed documents were read again, because writes may have been missed. */
	readonly refreshes: number;
}

export interface Watcher {
	readonly state: WatcherState;
	close(): Promise<void>;
}

export interface WatcherParts {
	readonly mode: WatchMode;
	readonly database: WatchedDatabase;
	readonly collections: readonly WatchedCollection[];
	readonly sink: WatchSink;
	readonly log: Log;
	readonly health: PartHealth;
	/** Ids of the documents of a collection that are in the results of live queries. @param key the collection */
	observedIds(key: string): Iterable<string>;
	/** Time between two rounds of polling, in ms. Default 1,000. */
	readonly interval?: number | undefined;
}

/** Above this `behindMs` the watcher's health is degraded. */
const MAX_BEHIND_MS = 10_000;

/** Time between two checks of `behindMs`. */
const CHECK_INTERVAL_MS = 1000;

/**
 * Starts to watch. Writes that are made after the promise has resolved are reported. `polling.ts` says which writes
 * polling does not find.
 * @throws StoreError if the server does not have what the mode requires, or does not answer
 */
export async function startWatcher(parts: WatcherParts): Promise<Watcher> {
	const { log, health } = parts;
	const found = new Map<string, number>();
	let refreshes = 0;
	const sink: WatchSink = {
		report(key, id, reported) {
			found.set(key, (found.get(key) ?? 0) + 1);
			parts.sink.report(key, id, reported);
		},
		refreshCollection(key) {
			refreshes++;
			parts.sink.refreshCollection(key);
		},
	};
	const mode = await chooseMode(parts);
	const source = mode === 'polling' ? new Polling({ ...parts, sink }) : new ChangeStreams({ ...parts, sink });
	try {
		await source.start();
	} catch (error) {
		await source.close();
		throw error;
	}
	log.info({ mode }, 'Watching what other programs write to the database');
	const behindMs = () => Math.max(0, Date.now() - source.reportedUntil);
	health.details(() => ({ mode, behindMs: behindMs() }));
	const check = () => {
		if (behindMs() > MAX_BEHIND_MS) health.degraded('Writes of other programs are noticed late or not at all');
		else health.ok();
	};
	check();
	const timer = setInterval(check, CHECK_INTERVAL_MS);
	timer.unref();
	return {
		get state() {
			return { mode, behindMs: behindMs(), found, refreshes };
		},
		async close() {
			clearInterval(timer);
			await source.close();
		},
	};
}

async function chooseMode({ mode, database, collections, log }: WatcherParts): Promise<'change-streams' | 'polling'> {
	const [first] = collections;
	if (mode === 'polling' || !first) return 'polling';
	const reason = await whyNoChangeStreams(database, first.name);
	if (reason === undefined) return 'change-streams';
	if (mode === 'change-streams') {
		throw new StoreError('unusable', `The database has no change streams: ${reason}. Use --watch polling or auto.`);
	}
	log.debug({ reason }, 'The database has no change streams, so it is polled');
	return 'polling';
}
