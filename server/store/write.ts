/** Writes of one collection, one after the other. */

/** Runs a task when all tasks before it have ended; the promise is that of the task, as far as it is then stored. */
export type Write = <R>(task: () => Promise<R>) => Promise<R>;

/** A queue of its own: nedb has one too, but starts the next write before anyone hears that the last has failed. */
export function oneAtATime(): Write {
	let last: Promise<unknown> = Promise.resolve();
	return (task) => {
		const run = last.then(task);
		last = run.catch(() => {});
		return run;
	};
}
