/**
 * `npm run bench`: what calls, events and connections cost, compared with bare servers that do the same. Compare only
 * the ratios: times and bytes depend on the machine. `npm run bench NAME` runs one bench.
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

/** The steps of each bench. A step that several benches share runs once. */
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
const unknown = chosen.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
	console.error(`No bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}`);
	process.exit(2);
}
const names = chosen.length > 0 ? chosen : Object.keys(benches);
for (const step of new Set(names.flatMap((name) => benches[name] ?? []))) {
	await step();
	console.log();
}
