import type { PartHealth } from '../cluster/partHealth.js';
import type { LiveQueryObserver } from '../ddp/publications/collection-queries.js';

const REASON = 'Written documents cannot be read; clients receive them when the store answers';

/** Makes an observer that reports in `/readyz` whether live queries are up to date. */
export function observeLiveQueries(health: PartHealth): LiveQueryObserver {
	const behind = new Set<string>();
	health.ok();
	return {
		onBehind(collection) {
			behind.add(collection);
			health.degraded(REASON);
		},
		onReadEnded(collection) {
			if (behind.delete(collection) && behind.size === 0) health.ok();
		},
	};
}
