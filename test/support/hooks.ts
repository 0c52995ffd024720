/** A store that runs code of a test before an operation on a collection, except `find`. */
import type { Collection, Store } from '../../shared/store.js';
import { openRoomkey, type TestRoomkey } from './roomkey.js';

export interface HookedStore {
	readonly store: Store;
	/**
	 * Calls `run` once, before the next `operation` on `collection`. Replaces a `run` that still waits for this operation.
	 * @param skip how many of these operations run first without it
	 */
	before(
		collection: keyof Store,
		operation: Exclude<keyof Collection<never>, 'find'>,
		run: () => Promise<unknown>,
		skip?: number,
	): void;
}

export function hookedStore(real: Store): HookedStore {
	const hooks = new Map<string, { run: () => Promise<unknown>; skip: number }>();

	async function runHook(key: string): Promise<void> {
		const hook = hooks.get(key);
		if (!hook || hook.skip-- > 0) return;
		hooks.delete(key);
		await hook.run();
	}

	const wrap = (name: string, collection: object) =>
		new Proxy(collection, {
			get(target, operation) {
				const original = Reflect.get(target, operation);
				if (typeof original !== 'function' || operation === 'find') return original;
				return async (...args: unknown[]) => {
					await runHook(`${name} ${String(operation)}`);
					return Reflect.apply(original, target, args);
				};
			},
		});

	return {
		store: new Proxy(real, { get: (target, name) => wrap(String(name), Reflect.get(target, name)) }),
		before: (collection, operation, run, skip = 0) => void hooks.set(`${collection} ${operation}`, { run, skip }),
	};
}

/** Opens Roomkey on a hooked store. @param changed as for `openRoomkey` */
export async function openHookedRoomkey(
	changed?: Parameters<typeof openRoomkey>[1],
): Promise<{ roomkey: TestRoomkey; hooked: HookedStore }> {
	let hooked: HookedStore | undefined;
	const roomkey = await openRoomkey(undefined, changed, (store) => {
		hooked = hookedStore(store);
		return hooked.store;
	});
	return { roomkey, hooked: hooked as unknown as HookedStore };
}
