/** Tracks the running writes of a store, and refuses writes after it is closed. */
import { StoreError } from './failure.js';

/** Every write of a store runs through this gate. */
export interface WriteGate {
	/** Runs a task that writes. */
	run<R>(task: () => Promise<R>): Promise<R>;
	/** Refuses further writes and waits for running ones. */
	close(): Promise<void>;
}

export function openGate(): WriteGate {
	let running = 0;
	let closed = false;
	let onLast = () => {};
	return {
		async run(task) {
			if (closed) throw new StoreError('unusable', 'The store is closed.');
			running++;
			try {
				return await task();
			} finally {
				if (--running === 0) onLast();
			}
		},
		close() {
			closed = true;
			return new Promise((resolve) => {
				onLast = resolve;
				if (running === 0) resolve();
			});
		},
	};
}
