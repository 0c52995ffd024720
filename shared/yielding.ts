/** Long tasks that let others have their turn: what a store in memory answers comes without a pause. */
import { setImmediate as othersTurn } from 'node:timers/promises';

/** Longest time without a pause, in ms. */
const MAX_BLOCK_MS = 5;

/**
 * Makes the pauses of a task, to be asked for at every step of it.
 *
 * @param checkEvery steps between two looks at the clock; more than 1 where a step takes less than some microseconds
 * @returns a function that gives a promise to wait for when it is time for a pause, else undefined
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
