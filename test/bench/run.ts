/**
 * `npm run bench`: what a call, an event and a connection cost beside bare servers that do the same, in one run. Times
 * and bytes mean nothing on their own; the ratios do. `npm run bench calls|fairness|fanout|memory|scale|live|observed|start|store` measures one of them.
 */
import { benchCalls } from './calls.js';
import { benchFairness } from './fairness.js';
import { benchFanOut } from './fanout.js';
import { benchLive } from './live.js';
import { benchMemory } from './memory.js';
import { benchObserved } from './observed.js';
import { benchScale } from './scale.js';
import { benchStart } from './start.js';
import { benchStore } from './store.js';

const benches: Record<string, () => Promise<void>> = {
	async calls() {
		await benchCalls();
		await benchObserved();
	},
	observed: benchObserved,
	fairness: benchFairness,
	fanout: benchFanOut,
	memory: benchMemory,
	scale: () => benchScale(),
	live: benchLive,
	start: benchStart,
	store: async () => {
		await benchStore();
		for (const kind of ['memory', 'files'] as const) await benchScale(kind);
	},
};
const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) {
	await benches[name]?.();
	console.log();
}
