/** Watches the database of a store, and reports what other programs write. */
import type { Db } from 'mongodb';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { Log } from '../../shared/log.js';
import { collectionNames } from '../../shared/store.js';
import { watchedDatabase } from '../cluster/watch/mongoDatabase.js';
import { startWatcher, type Watcher, type WatchMode } from '../cluster/watch/watcher.js';
import { observedIds } from '../ddp/publications/live-queries.js';
import type { Ops } from '../ops/ops.js';
import type { App } from './app.js';

export type { Watcher };

export interface WatchOptions {
	readonly mode: WatchMode;
	/** Whether polling may make the indexes that it needs. */
	readonly makesIndexes: boolean;
	readonly declared: readonly CollectionDefinition[];
	readonly app: App;
	readonly ops: Ops;
	readonly log: Log;
}

/** Collections that no client observes. */
const NOT_WATCHED: ReadonlySet<string> = new Set(['trash', 'keyHistory', 'sharedState']);

/**
 * Starts to watch the collections that clients can observe.
 * @throws StoreError if the database lacks what the mode requires
 */
export async function watchStore(
	db: Db,
	{ mode, makesIndexes, declared, app, ops, log }: WatchOptions,
): Promise<Watcher> {
	const builtIn = Object.entries(collectionNames).map(([key, name]) => ({ key, name }));
	const watcher = await startWatcher({
		mode,
		database: watchedDatabase(db, makesIndexes),
		collections: [
			...builtIn.filter(({ key }) => !NOT_WATCHED.has(key)),
			...declared.map(({ key, name }) => ({ key, name })),
		],
		sink: { report: app.changedElsewhere.report, refreshCollection: app.refreshCollection },
		log,
		health: ops.watcherHealth,
		observedIds: (key) => observedIds(app.bus, key),
	});
	ops.watcher = watcher;
	return watcher;
}
