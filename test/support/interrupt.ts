import type { Collection, Store } from '../../shared/store.js';

/** Wraps a store. `task` runs before the first `operation` on the collection `name`. If it fails, the operation fails. */
export function runBefore(
	store: Store,
	name: 'users' | 'subscriptions',
	operation: 'findOne' | 'updateOne',
	task: () => Promise<unknown>,
): Store {
	let hasRun = false;
	const collection = new Proxy(store[name] as Collection<never>, {
		get(target, key) {
			const original = Reflect.get(target, key);
			if (key !== operation) return original;
			return async (...args: unknown[]) => {
				if (!hasRun) {
					hasRun = true;
					await task();
				}
				return Reflect.apply(original, target, args);
			};
		},
	});
	return new Proxy(store, { get: (target, key) => (key === name ? collection : Reflect.get(target, key)) });
}
