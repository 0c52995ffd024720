/** Flow control for long lists of messages: waits for a client that reads slowly, and yields to the event loop. */
import { createYielder } from '../../../shared/yielding.js';
import type { Transport } from '../transports/transport.js';

/** Must be called between two messages. Returns a promise if the next message must wait for it. */
export type Flow = () => Promise<void> | undefined;

export function createFlow(transport: Pick<Transport, 'whenDrained'>): Flow {
	const pause = createYielder();
	return () => transport.whenDrained() ?? pause();
}

/**
 * Calls `send` for each item, and waits between two items if `flow` requires it.
 * @returns undefined if all items are done; else a promise that resolves when they are
 */
export function forEachInFlow<T>(items: Iterable<T>, send: (item: T) => void, flow: Flow): Promise<void> | undefined {
	const iterator = items[Symbol.iterator]();
	let next = iterator.next();
	function sendRest(): Promise<void> | undefined {
		while (!next.done) {
			send(next.value);
			next = iterator.next();
			const wait = next.done ? undefined : flow();
			if (wait) return wait.then(sendRest);
		}
		return undefined;
	}
	return sendRest();
}
