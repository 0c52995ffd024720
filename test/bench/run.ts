/**
 * `npm run bench`: what a call, an event and a connection cost beside bare servers that do the same, in one run. Times
 * and bytes mean nothing on their own; the ratios do. `npm run bench calls|fairness|fanout|memory|scale` measures one of them.
 */
import { benchCalls } from './calls.js';
import { benchFairness } from './fairness.js';
import { benchFanOut } from './fanout.js';
import { benchMemory } from './memory.js';
import { benchScale } from './scale.js';

const benches: Record<string, () => Promise<void>> = {
	calls: benchCalls,
	fairness: benchFairness,
	fanout: benchFanOut,
	memory: benchMemory,
	scale: benchScale,
};
const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) {
	await benches[name]?.();
	console.log();
}
