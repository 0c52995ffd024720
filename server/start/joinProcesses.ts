/** Joins the parts of a server to the other processes of its service. */
import { forgetCachedReads } from '../../methods/model/cachedReads.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import type { Bus } from '../cluster/bus.js';
import { createCatchUp } from '../cluster/catchUp.js';
import type { ChangedElsewhere } from '../cluster/changedElsewhere.js';
import { type Cluster, joinCluster } from '../cluster/cluster.js';
import type { Link } from '../cluster/link.js';
import { reportRecentWrites } from '../cluster/recentWrites.js';
import type { TokenWatcher } from '../core/token-watcher.js';
import { refreshAllLiveQueries } from '../ddp/publications/live-queries.js';
import type { StreamHub } from '../ddp/publications/streams.js';
import type { Ops } from '../ops/ops.js';

export interface JoinedParts {
	readonly link: Link;
	readonly store: Store;
	readonly bus: Bus;
	readonly log: Log;
	readonly hub: StreamHub;
	readonly tokenWatcher: TokenWatcher;
	readonly changedElsewhere: ChangedElsewhere;
	readonly ops?: Ops | undefined;
}

/** Joins the other processes. After an interruption, the catch-up finds what was missed in these steps, one after the other. */
export function joinProcesses({
	link,
	store,
	bus,
	log,
	hub,
	tokenWatcher,
	changedElsewhere,
	ops,
}: JoinedParts): Cluster {
	const catchUp = createCatchUp(
		[
			async () => forgetCachedReads(store),
			() => tokenWatcher.checkAll(),
			() => refreshAllLiveQueries(bus),
			(since) => reportRecentWrites(store, hub.eventsWithReaders, changedElsewhere, since),
			() => changedElsewhere.settled(),
			() => hub.refresh(),
		],
		log,
	);
	return joinCluster({
		link,
		bus,
		changedElsewhere,
		catchUp,
		checkTokens: tokenWatcher.checkUser,
		health: ops?.busHealth,
		counts: ops?.cluster,
		log,
	});
}
