/**
 * Sends long lists of messages to one client: as fast as the client reads them, and in slices that yield to the event
 * loop.
 */
import { createYielder } from '../../../shared/yielding.js';
import type { Transport } from '../transports/transport.js';

/** Called after each message; returns a promise if the next one must wait. */
export type Flow = () => Promise<void> | undefined;

export function createFlow(transport: Pick<Transport, 'whenDrained'>): Flow {
	const pause = createYielder();
	return () => transport.whenDrained() ?? pause();
}

/**
 * Calls a function for each item, with the waits that `flow` requires.
 * @returns undefined if it has finished; else a promise that resolves when it has
 */
export function forEachInFlow<T>(items: Iterable<T>, act: (item: T) => void, flow: Flow): Promise<void> | undefined {
	const iterator = items[Symbol.iterator]();
	function goOn(): Promise<void> | undefined {
		for (let next = iterator.next(); !next.done; next = iterator.next()) {
			act(next.value);
			const wait = flow();
			if (wait) return wait.then(goOn);
		}
		return undefined;
	}
	return goOn();
}
