/** Yields to the event loop during long synchronous work, because an in-memory store never yields by itself. */

/** Longest time without yielding, in ms. */
const MAX_BLOCK_MS = 5;

/** Tasks that have yielded, in order. */
const yielded: (() => void)[] = [];

/**
 * Lets the next task go on. One goes on in each turn of the event loop, so that any number of tasks together delay
 * others no longer than one does.
 */
function goOn(): void {
	const next = yielded.shift();
	if (yielded.length > 0) setImmediate(goOn);
	next?.();
}

function othersTurn(): Promise<void> {
	return new Promise((resolve) => {
		if (yielded.push(resolve) === 1) setImmediate(goOn);
	});
}

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
