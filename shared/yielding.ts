/**
 * Yields to the event loop during long synchronous work. An in-memory store never yields by itself. All tasks share one
 * time limit, so together they do not block longer than a single one.
 */
import { setImmediate as nextImmediate } from 'node:timers/promises';

/** Longest time without yielding, in ms. */
const MAX_BLOCK_MS = 2;

/** When the first task of this turn of the event loop checked the clock; undefined if none has. */
let turnStart: number | undefined;

function startClock(): void {
	turnStart = performance.now();
	setImmediate(() => {
		turnStart = undefined;
	});
}

/** The first call in a turn starts the clock. */
function isTimeUp(): boolean {
	if (turnStart !== undefined) return performance.now() - turnStart >= MAX_BLOCK_MS;
	startClock();
	return false;
}

/** Resolves when all tasks that have yielded so far have continued, each in a separate turn. */
let pausedTasks: Promise<void> = Promise.resolve();

function nextTurn(): Promise<void> {
	pausedTasks = pausedTasks.then(() => nextImmediate());
	return pausedTasks.then(startClock);
}

/** Steps of all tasks since the last clock check, divided by `checkEvery`. */
let workSinceCheck = 0;

/**
 * Creates a function that a task calls at every step. The function returns a promise to await if it is time to yield,
 * otherwise undefined.
 *
 * @param checkEvery steps between two clock checks; more than 1 if a step takes only a few microseconds
 */
export function createYielder(checkEvery = 1): () => Promise<void> | undefined {
	const step = 1 / checkEvery;
	// The first step of a task checks the clock.
	workSinceCheck = 1;
	return () => {
		workSinceCheck += step;
		if (workSinceCheck < 1) return undefined;
		workSinceCheck = 0;
		return isTimeUp() ? nextTurn() : undefined;
	};
}
