/** A store that notes each write that it is asked for. */
import type { Store } from '../../shared/store.js';

const READS: ReadonlySet<unknown> = new Set(['findOne', 'find', 'countDocuments']);

/** @param onWrite called with the collection and the operation, before it is done */
export function recordedStore(store: Store, onWrite: (write: string) => void): Store {
	const recorded = Object.entries(store).map(([key, collection]) => [
		key,
		new Proxy(collection as object, {
			get(target, name) {
				const operation = Reflect.get(target, name);
				if (typeof operation !== 'function' || READS.has(name)) return operation;
				return (...args: unknown[]) => {
					onWrite(`${key}.${String(name)}`);
					return operation.apply(target, args);
				};
			},
		}),
	]);
	return Object.fromEntries(recorded);
}
