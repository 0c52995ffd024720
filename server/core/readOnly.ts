/** The methods and the store of a server that only reads (`--read-only`). */
import { clientError } from '../../shared/errors.js';
import type { Method } from '../../shared/method.js';
import { type Collection, declareReadOnly, type Store } from '../../shared/store.js';
import { CollectionReads } from './collectionReads.js';

class ReadOnlyCollection<T extends { _id: string }> extends CollectionReads<T> implements Collection<T> {
	insertOne = refuse;
	updateOne = refuse;
	updateMany = refuse;
	findOneAndUpdate = refuse;
	deleteOne = refuse;
	deleteMany = refuse;
	announce = refuse;
}

async function refuse(): Promise<never> {
	throw clientError('readOnly');
}

/** A view of a store that refuses every write. */
export function readOnlyStore(store: Store): Store {
	const collections = Object.keys(store).map((key) => {
		const source = store[key as keyof Store] as unknown as Collection<{ _id: string }>;
		return [key, new ReadOnlyCollection(source)] as const;
	});
	const readOnly = Object.fromEntries(collections) as unknown as Store;
	declareReadOnly(readOnly);
	return readOnly;
}

/**
 * The methods of a server that only reads. A method whose `writes` is true is refused before it runs. `writes: false`
 * means that the method is useful without writing. Unless it is `parallel`, it may still write for some arguments. The
 * store then refuses the write, with the same error.
 */
export function readOnlyMethods(methods: readonly Method[]): Method[] {
	return methods.map((method) => {
		if (method.parallel && !method.writes) return method;
		const errors = method.errors && [...method.errors, 'error-read-only' as const];
		if (!method.writes) return Object.freeze({ ...method, errors });
		// Refusals need not be remembered for repeated calls.
		return Object.freeze({ ...method, errors, once: false, run: refuse });
	});
}
