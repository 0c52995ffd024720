/** Yields to the event loop during long synchronous work, because an in-memory store never yields by itself. */
import { setImmediate as othersTurn } from 'node:timers/promises';

/** Longest time without yielding, in ms. */
const MAX_BLOCK_MS = 5;

/**
 * Creates a yielder for a task, to be called at every step.
 *
 * @param checkEvery steps between two clock checks; more than 1 if a step takes less than some microseconds
 * @returns a function that returns a promise if it is time to yield, otherwise undefined
 */
export function createYielder(checkEvery = 1): () => Promise<void> | undefined {
	let steps = 0;
	let since = performance.now();
	return () => {
		if (++steps % checkEvery !== 0 || performance.now() - since < MAX_BLOCK_MS) return undefined;
		return othersTurn().then(() => {
			since = performance.now();
		});
	};
}
