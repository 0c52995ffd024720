/** A store that reports each write to a test. */
import type { Store } from '../../shared/store.js';

const READS: ReadonlySet<unknown> = new Set(['findOne', 'find', 'countDocuments']);

/** @param onWrite called with `rooms.updateOne` or the like before each write; `announce` counts as a write */
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
