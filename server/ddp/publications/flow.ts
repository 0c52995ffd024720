/** Long lists of messages to one client: sent as fast as the client takes them, and in slices that let others have their turn. */
import { createYielder } from '../../../shared/yielding.js';
import type { Transport } from '../transports/transport.js';

/** Asked after each message: what to wait for before the next one, if for anything. */
export type Flow = () => Promise<void> | undefined;

export function createFlow(transport: Pick<Transport, 'whenDrained'>): Flow {
	const pause = createYielder();
	return () => transport.whenDrained() ?? pause();
}

/**
 * Does something for each item, with the waits that `flow` asks for.
 * @returns undefined if all is done; else a promise that resolves when it is
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
