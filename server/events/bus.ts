/** Events within this process. */
import type { Change, EventName, EventPayloads, Listener } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';

/** What a listener for changes wants to hear of. */
export interface Watched {
	readonly collection: Change['collection'];
	/** The one document; undefined: any. */
	readonly id?: string | undefined;
}

export interface Bus {
	/** How many listen, to whatever. */
	readonly listeners: number;
	/**
	 * Tells every listener.
	 * @returns resolves, and never rejects, when all have ended; undefined where none goes on asynchronously
	 */
	publish<N extends EventName>(name: N, payload: EventPayloads[N]): Promise<unknown> | undefined;
	/** Calls the listener at every event of that name until the returned function is called. */
	on<N extends EventName>(name: N, listener: Listener<N>): () => void;
	/**
	 * Calls the listener at every change of a collection, or of one document of it, until the returned function is called.
	 * Every client watches its own user: a change must cost no more because many do.
	 */
	watch(watched: Watched, listener: Listener<'changed'>): () => void;
}

/** Makes a bus. A listener that fails is logged; neither the one who announced nor other listeners notice. */
export function createBus(log: Log): Bus {
	/**
	 * By the name of the event; for watchers by the collection, too, and by the document. One alone stands for itself: a
	 * Set for each client's own user would hold more than all else here.
	 */
	const listeners = new Map<string, Listener<never> | Set<Listener<never>>>();

	function listen(key: string, listener: Listener<never>): () => void {
		const there = listeners.get(key);
		if (!there) listeners.set(key, listener);
		else if (there instanceof Set) there.add(listener);
		else listeners.set(key, new Set([there, listener]));
		return () => leave(key, listener);
	}

	function leave(key: string, listener: Listener<never>): void {
		const there = listeners.get(key);
		if (there instanceof Set) {
			there.delete(listener);
			if (there.size === 0) listeners.delete(key);
		} else if (there === listener) {
			listeners.delete(key);
		}
	}

	function failed(name: EventName, err: unknown): void {
		log.error({ err, event: name }, `Exception in a listener of '${name}'`);
	}

	return {
		get listeners() {
			let count = 0;
			for (const there of listeners.values()) count += there instanceof Set ? there.size : 1;
			return count;
		},
		publish(name, payload) {
			let pending: Promise<unknown>[] | undefined;
			for (const key of keysOf(name, payload)) {
				for (const listener of allOf(listeners.get(key))) {
					try {
						const ended = (listener as Listener<typeof name>)(payload);
						if (!ended) continue;
						pending ??= [];
						pending.push(ended.catch((err) => failed(name, err)));
					} catch (err) {
						failed(name, err);
					}
				}
			}
			return pending && Promise.all(pending);
		},
		on: listen,
		watch: ({ collection, id }, listener) => listen(watchKey(collection, id), listener),
	};
}

function allOf(there: Listener<never> | Set<Listener<never>> | undefined): Iterable<Listener<never>> {
	if (there instanceof Set) return there;
	return there ? [there] : [];
}

function watchKey(collection: string, id?: string): string {
	return id === undefined ? `changed ${collection}` : `changed ${collection} ${id}`;
}

function keysOf(name: EventName, payload: EventPayloads[EventName]): string[] {
	if (name !== 'changed') return [name];
	const { collection, document } = payload as Change;
	return [name, watchKey(collection), watchKey(collection, document._id)];
}
