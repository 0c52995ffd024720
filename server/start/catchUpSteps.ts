/** What a server reads again after it may have missed writes of other processes or programs. */
import { forgetCachedReads } from '../../methods/model/cachedReads.js';
import type { Store } from '../../shared/store.js';
import type { Bus } from '../cluster/bus.js';
import type { CatchUpStep } from '../cluster/catchUp.js';
import type { ChangedElsewhere } from '../cluster/changedElsewhere.js';
import { reportRecentWrites } from '../cluster/recentWrites.js';
import type { TokenWatcher } from '../core/token-watcher.js';
import { refreshAllLiveQueries } from '../ddp/publications/live-queries.js';
import type { StreamHub } from '../ddp/publications/streams.js';

/** The parts of a server that a catch-up uses. */
export interface CatchUpParts {
	readonly store: Store;
	readonly bus: Bus;
	readonly hub: StreamHub;
	readonly tokenWatcher: TokenWatcher;
	readonly changedElsewhere: () => ChangedElsewhere;
}

/** The steps of a catch-up, which run one after the other. */
export function catchUpSteps({ store, bus, hub, tokenWatcher, changedElsewhere }: CatchUpParts): CatchUpStep[] {
	return [
		async () => forgetCachedReads(store),
		() => tokenWatcher.checkAll(),
		() => refreshAllLiveQueries(bus),
		(since) => reportRecentWrites(store, hub.eventsWithReaders, changedElsewhere(), since),
		() => changedElsewhere().settled(),
		() => hub.refresh(),
	];
}
