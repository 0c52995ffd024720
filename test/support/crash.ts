/** Simulates a process that ends between two writes. */
import type { Collection, Store } from '../../shared/store.js';

const WRITES = new Set(['insertOne', 'updateOne', 'updateMany', 'findOneAndUpdate', 'deleteOne', 'deleteMany']);

export class Crash extends Error {}

export interface CrashingStore {
	readonly store: Store;
	/** Lets this many writes succeed. The next write and all later operations fail. Infinity: none fails. */
	crashAfter(writes: number): void;
	/** Number of writes since `crashAfter`. */
	readonly writes: number;
	readonly crashed: boolean;
}

/** Wraps a store. The wrapper counts writes, and can fail for good after one of them, as if the process had ended. */
export function crashingStore(real: Store): CrashingStore {
	let allowedWrites = Number.POSITIVE_INFINITY;
	let writes = 0;
	let crashed = false;

	function wrap<T extends { _id: string }>(collection: Collection<T>): Collection<T> {
		return new Proxy(collection, {
			get(target, name) {
				const operation = Reflect.get(target, name);
				if (typeof operation !== 'function') return operation;
				return (...args: unknown[]) => {
					const isWrite = WRITES.has(String(name));
					if (isWrite && writes >= allowedWrites) crashed = true;
					if (crashed && name === 'find') throw new Crash('crashed');
					if (crashed) return Promise.reject(new Crash('crashed'));
					if (isWrite) writes++;
					return Reflect.apply(operation, target, args);
				};
			},
		});
	}

	const wrapped = new Map<unknown, unknown>();
	return {
		store: new Proxy(real, {
			get(target, name) {
				const collection = Reflect.get(target, name);
				if (!wrapped.has(collection)) wrapped.set(collection, wrap(collection));
				return wrapped.get(collection);
			},
		}),
		crashAfter(allowed) {
			allowedWrites = allowed;
			writes = 0;
			crashed = false;
		},
		get writes() {
			return writes;
		},
		get crashed() {
			return crashed;
		},
	};
}
