/**
 * `npm run bench`: what a call, an event and a connection cost beside bare servers that do the same, in one run. Times
 * and bytes mean nothing on their own; the ratios do. `npm run bench calls|cluster|fairness|fanout|memory|scale|live|observed|start|store|storm` measures one of them.
 */
import { benchCalls } from './calls.js';
import { benchCluster } from './cluster.js';
import { benchFairness } from './fairness.js';
import { benchFanOut } from './fanout.js';
import { benchLive } from './live.js';
import { benchMemory } from './memory.js';
import { benchObserved } from './observed.js';
import { benchScale } from './scale.js';
import { benchStart } from './start.js';
import { benchStore } from './store.js';
import { benchStorm } from './storm.js';

const scaleInMemory = () => benchScale('memory');

/** The steps of each bench. A step that several share is made once in a run. */
const benches: Record<string, readonly (() => Promise<void>)[]> = {
	calls: [benchCalls, benchObserved],
	observed: [benchObserved],
	fairness: [benchFairness],
	fanout: [benchFanOut],
	cluster: [benchCluster],
	memory: [benchMemory],
	scale: [scaleInMemory],
	live: [benchLive],
	start: [benchStart],
	storm: [benchStorm],
	store: [benchStore, scaleInMemory, () => benchScale('files')],
};
const chosen = process.argv.slice(2);
const names = chosen.length > 0 ? chosen : Object.keys(benches);
for (const step of new Set(names.flatMap((name) => benches[name] ?? []))) {
	await step();
	console.log();
}
