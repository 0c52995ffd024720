/**
 * Yields to the event loop during long synchronous work, because an in-memory store never yields by itself. All tasks
 * share one clock: together they block no longer than one of them alone.
 */

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

/** The end of the line of tasks that wait. They continue one after the other, as many in a turn as it has time for. */
let line: Promise<void> = Promise.resolve();

function nextTurn(): Promise<void> {
	line = line.then(timeLeft);
	return line;
}

/** Resolves when there is time: in this turn after the task that has just continued, or in the next. */
function timeLeft(): Promise<void> {
	return new Promise((resolve) => {
		process.nextTick(() => {
			if (!isOver()) return resolve();
			setImmediate(() => {
				startClock();
				resolve();
			});
		});
	});
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
