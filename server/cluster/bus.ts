/** Events within this process. */
import type { Change, EventName, EventPayloads, Listener } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';
import { type Few, membersOf, withMember, withoutMember } from '../ddp/publications/compact-set.js';

/** What a listener for changes wants to hear of. */
export interface Watched {
	readonly collection: Change['collection'];
	/** The one document; undefined: any. */
	readonly id?: string | undefined;
}

/** Is told of changes, and may go on asynchronously. */
export interface Watcher {
	onChange(change: Change): void | Promise<void>;
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
	 * Tells the watcher of every change of a collection, or of one document of it, until `unwatch` with the same. Every
	 * client watches its own user: a change must cost no more because many do, and none may hold more than it must.
	 */
	watch(watched: Watched, watcher: Watcher): void;
	unwatch(watched: Watched, watcher: Watcher): void;
}

/** Makes a bus. A listener that fails is logged; neither the one who announced nor other listeners notice. */
export function createBus(log: Log): Bus {
	const listeners: Groups<EventName, Listener<never>> = new Map();
	/** By the collection and the document; undefined: any. */
	const watchers = new Map<Change['collection'], Groups<string | undefined, Watcher>>();

	function failed(name: EventName, err: unknown): void {
		log.error({ err, event: name }, `Exception in a listener of '${name}'`);
	}

	/** All that an event is to be told, in the order in which they are. */
	function* told<N extends EventName>(name: N, payload: EventPayloads[N]): Iterable<() => void | Promise<void>> {
		for (const listener of membersOf(listeners.get(name))) yield () => (listener as Listener<N>)(payload);
		if (name !== 'changed') return;
		const change = payload as Change;
		const ofCollection = watchers.get(change.collection);
		if (!ofCollection) return;
		for (const id of [undefined, change.document._id]) {
			for (const watcher of membersOf(ofCollection.get(id))) yield () => watcher.onChange(change);
		}
	}

	return {
		get listeners() {
			let count = countOf(listeners);
			for (const ofCollection of watchers.values()) count += countOf(ofCollection);
			return count;
		},
		publish(name, payload) {
			let pending: Promise<unknown>[] | undefined;
			for (const tell of told(name, payload)) {
				try {
					const ended = tell();
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
			join(listeners, name, listener);
			return () => leave(listeners, name, listener);
		},
		watch({ collection, id }, watcher) {
			let ofCollection = watchers.get(collection);
			if (!ofCollection) {
				ofCollection = new Map();
				watchers.set(collection, ofCollection);
			}
			join(ofCollection, id, watcher);
		},
		unwatch({ collection, id }, watcher) {
			const ofCollection = watchers.get(collection);
			if (ofCollection) leave(ofCollection, id, watcher);
		},
	};
}

/** Every client watches its own user, whom nobody else does. */
type Groups<K, T extends object> = Map<K, Few<T>>;

function join<K, T extends object>(groups: Groups<K, T>, key: K, member: T): void {
	groups.set(key, withMember(groups.get(key), member));
}

function leave<K, T extends object>(groups: Groups<K, T>, key: K, member: T): void {
	const left = withoutMember(groups.get(key), member);
	if (left) groups.set(key, left);
	else groups.delete(key);
}

function countOf<K, T extends object>(groups: Groups<K, T>): number {
	let count = 0;
	for (const few of groups.values()) count += few instanceof Set ? few.size : 1;
	return count;
}
