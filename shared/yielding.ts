/**
 * Yields to the event loop during long synchronous work, because an in-memory store never yields by itself. All tasks
 * share one clock: together they block no longer than one of them alone.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';

/** Longest time without yielding, in ms. */
const MAX_BLOCK_MS = 5;

/** When the first task looked at the clock in this turn of the event loop; undefined before that. */
let since: number | undefined;

function startClock(): void {
	since = performance.now();
	setImmediate(() => {
		since = undefined;
	});
}

function isOver(): boolean {
	if (since !== undefined) return performance.now() - since >= MAX_BLOCK_MS;
	startClock();
	return false;
}

/** The end of the line of tasks that wait. Each continues in a turn of its own. */
let line: Promise<void> = Promise.resolve();

function nextTurn(): Promise<void> {
	line = line.then(() => othersTurn());
	return line.then(startClock);
}

/** Work of all tasks since a clock check. At 1 it is time for the next. */
let work = 0;

/**
 * Creates a yielder for a task, to be called at every step.
 *
 * @param checkEvery steps between two clock checks; more than 1 if a step takes less than some microseconds
 * @returns a function that returns a promise if it is time to yield, otherwise undefined
 */
export function createYielder(checkEvery = 1): () => Promise<void> | undefined {
	const step = 1 / checkEvery;
	// The first step of a task looks at the clock.
	work = 1;
	return () => {
		work += step;
		if (work < 1) return undefined;
		work = 0;
		return isOver() ? nextTurn() : undefined;
	};
}
