/** The bus: passes events between the parts of this process. */
import type { Change, EventName, EventPayloads, EventPublisher, EventSource, Listener } from '../../shared/events.js';
import type { Log } from '../../shared/log.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../core/compact-set.js';

/** Selects the changes that a watcher receives. */
export interface Watched {
	readonly collection: string;
	/** Undefined: all documents. */
	readonly id?: string | undefined;
}

export interface Watcher {
	onChange(change: Change): void | Promise<void>;
}

/** Sends an event of this process to other processes. Must not throw. */
export type Forward = <N extends EventName>(name: N, payload: EventPayloads[N]) => void;

export interface Bus extends EventPublisher {
	readonly listenerCount: number;
	/** Publishes an event of another process, without forwarding it. */
	deliver: EventPublisher['publish'];
	/** Calls the listener with every event that this process publishes, until the returned function is called. */
	forward(listener: Forward): () => void;
	/** Calls the listener for every event of a name, until the returned function is called. */
	on<N extends EventName>(name: N, listener: Listener<N>): () => void;
	/**
	 * Notifies the watcher of every change of a collection, or of one document, until `unwatch` with the same arguments.
	 * Every client watches its own user, so a change must cost nothing for watchers of other documents.
	 */
	watch(watched: Watched, watcher: Watcher): void;
	unwatch(watched: Watched, watcher: Watcher): void;
}

/** Errors of a listener are logged. They affect neither the publisher nor other listeners. */
export function createBus(log: Log): Bus {
	const listeners: Groups<EventName, Listener<never>> = new Map();
	const forwards = new Set<Forward>();
	/** By collection, then by document id. The key `undefined` has the watchers of all documents. */
	const watchers = new Map<string, Groups<string | undefined, Watcher>>();

	function logFailure(name: EventName, err: unknown): void {
		log.error({ err, event: name }, `Exception in a listener of '${name}'`);
	}

	/** The calls of the listeners in order of subscription, then those of a change's watchers. */
	function* callsFor<N extends EventName>(
		name: N,
		payload: EventPayloads[N],
		by: EventSource | undefined,
	): Iterable<() => void | Promise<void>> {
		for (const listener of membersOf(listeners.get(name))) yield () => (listener as Listener<N>)(payload, by);
		if (name !== 'changed') return;
		const change = payload as Change;
		const watchersById = watchers.get(change.collection);
		if (!watchersById) return;
		for (const id of [undefined, change.document._id]) {
			for (const watcher of membersOf(watchersById.get(id))) yield () => watcher.onChange(change);
		}
	}

	const deliver: EventPublisher['publish'] = (name, payload, by) => {
		let pending: Promise<unknown>[] | undefined;
		for (const call of callsFor(name, payload, by)) {
			try {
				const promise = call();
				if (!promise) continue;
				pending ??= [];
				pending.push(promise.catch((err) => logFailure(name, err)));
			} catch (err) {
				logFailure(name, err);
			}
		}
		return pending && Promise.all(pending);
	};

	return {
		deliver,
		forward(listener) {
			forwards.add(listener);
			return () => void forwards.delete(listener);
		},
		get listenerCount() {
			let count = sizeOf(listeners);
			for (const watchersById of watchers.values()) count += sizeOf(watchersById);
			return count;
		},
		publish(name, payload, by) {
			for (const forward of forwards) forward(name, payload);
			return deliver(name, payload, by);
		},
		on(name, listener) {
			addTo(listeners, name, listener);
			return () => removeFrom(listeners, name, listener);
		},
		watch({ collection, id }, watcher) {
			let watchersById = watchers.get(collection);
			if (!watchersById) {
				watchersById = new Map();
				watchers.set(collection, watchersById);
			}
			addTo(watchersById, id, watcher);
		},
		unwatch({ collection, id }, watcher) {
			const watchersById = watchers.get(collection);
			if (watchersById) removeFrom(watchersById, id, watcher);
		},
	};
}

/** Sets by key. Nearly every set has one member, for which a `CompactSet` saves memory. */
type Groups<K, T extends object> = Map<K, CompactSet<T>>;

function addTo<K, T extends object>(groups: Groups<K, T>, key: K, member: T): void {
	groups.set(key, addMember(groups.get(key), member));
}

function removeFrom<K, T extends object>(groups: Groups<K, T>, key: K, member: T): void {
	const remaining = removeMember(groups.get(key), member);
	if (remaining) groups.set(key, remaining);
	else groups.delete(key);
}

function sizeOf<K, T extends object>(groups: Groups<K, T>): number {
	let count = 0;
	for (const members of groups.values()) count += members instanceof Set ? members.size : 1;
	return count;
}
