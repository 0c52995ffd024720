/** Events within this process. */
import type { EventName, EventPayloads, Listener } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';

export interface Bus {
	/**
	 * Tells every listener.
	 * @returns resolves, and never rejects, when all have ended; undefined where none goes on asynchronously
	 */
	publish<N extends EventName>(name: N, payload: EventPayloads[N]): Promise<unknown> | undefined;
	/** Calls the listener at every event of that name until the returned function is called. */
	on<N extends EventName>(name: N, listener: Listener<N>): () => void;
}

/** Makes a bus. A listener that fails is logged; neither the one who announced nor other listeners notice. */
export function createBus(log: Log): Bus {
	const listeners: { [N in EventName]: Set<Listener<N>> } = {
		changed: new Set(),
		'tokens-removed': new Set(),
		notify: new Set(),
	};

	function failed(name: EventName, err: unknown): void {
		log.error({ err, event: name }, `Exception in a listener of '${name}'`);
	}

	return {
		publish(name, payload) {
			let pending: Promise<unknown>[] | undefined;
			for (const listener of listeners[name]) {
				try {
					const ended = listener(payload);
					if (!ended) continue;
					pending ??= [];
					pending.push(ended.catch((err) => failed(name, err)));
				} catch (err) {
					failed(name, err);
				}
			}
			return pending && Promise.all(pending);
		},
		on(name, listener) {
			listeners[name].add(listener);
			return () => void listeners[name].delete(listener);
		},
	};
}
