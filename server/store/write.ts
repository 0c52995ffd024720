/** In what order writes run, and when no more may come. */
import { StoreError } from './failure.js';

/** Runs a task that writes; ends as the task does, once what it wrote is stored. */
export type Write = <R>(task: () => Promise<R>) => Promise<R>;

/**
 * Writes one after the other. nedb has such a queue too, but starts the next write before anyone hears that the last has
 * failed.
 */
export function oneAtATime(): Write {
	let last: Promise<unknown> = Promise.resolve();
	return (task) => {
		const run = last.then(task);
		last = run.catch(() => {});
		return run;
	};
}

/** The way every write of a store goes in, until it is closed. */
export interface Gate {
	pass: Write;
	/** Lets nothing in any more and waits for what is inside. */
	close(): Promise<void>;
}

export function openGate(): Gate {
	const inside = new Set<Promise<unknown>>();
	let closed = false;
	return {
		pass: async (task) => {
			if (closed) throw new StoreError('unusable', 'The store is closed.');
			const run = task();
			inside.add(run);
			try {
				return await run;
			} finally {
				inside.delete(run);
			}
		},
		close: async () => {
			closed = true;
			await Promise.allSettled(inside);
		},
	};
}
