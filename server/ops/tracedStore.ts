/** A store whose operations are traced. */
import { declaredName } from '../../shared/collections.js';
import {
	type Change,
	type Collection,
	type Cursor,
	collectionNames,
	type Filter,
	type FindOptions,
	isDuplicateKey,
	type Store,
	type UpdateFilter,
	type WriteOptions,
} from '../../shared/store.js';
import type { Operation } from '../store/storeObserver.js';

/** Begins a span. @returns a function that ends the span. It receives the error of a failed operation */
type Begin = (collection: string, operation: Operation) => (failure?: unknown) => void;

class TracedCollection<T extends { _id: string }> implements Collection<T> {
	constructor(
		private readonly source: Collection<T>,
		private readonly name: string,
		private readonly begin: Begin,
	) {}

	/** Runs an operation in a span. The caller gets the promise of the operation itself. */
	#run<R>(operation: Operation, start: () => Promise<R>): Promise<R> {
		const end = this.begin(this.name, operation);
		const running = start();
		running.then(
			() => end(),
			// A duplicate is not a failure: the unique index has prevented it.
			(error) => end(operation === 'insertOne' && isDuplicateKey(error) ? undefined : error),
		);
		return running;
	}

	findOne(filter: Filter<T>, options?: FindOptions): Promise<T | null> {
		return this.#run('findOne', () => this.source.findOne(filter, options));
	}

	find(filter: Filter<T>, options?: FindOptions): Cursor<T> {
		const cursor = this.source.find(filter, options);
		return {
			toArray: () => this.#run('find', () => cursor.toArray()),
			// The span ends with the first document, because the time of the others may depend on how fast a client reads.
			[Symbol.asyncIterator]: () => {
				const documents = cursor[Symbol.asyncIterator]();
				let isFirst = true;
				return {
					next: () => {
						if (!isFirst) return documents.next();
						isFirst = false;
						return this.#run('find', () => documents.next());
					},
					return: async () => (await documents.return?.()) ?? { done: true, value: undefined },
				};
			},
		};
	}

	countDocuments(filter: Filter<T>): Promise<number> {
		return this.#run('countDocuments', () => this.source.countDocuments(filter));
	}

	insertOne(document: T, options?: WriteOptions): Promise<unknown> {
		return this.#run('insertOne', () => this.source.insertOne(document, options));
	}

	updateOne(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return this.#run('updateOne', () => this.source.updateOne(filter, update, options));
	}

	updateMany(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return this.#run('updateMany', () => this.source.updateMany(filter, update, options));
	}

	findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		options: Parameters<Collection<T>['findOneAndUpdate']>[2],
	): Promise<T | null> {
		return this.#run('findOneAndUpdate', () => this.source.findOneAndUpdate(filter, update, options));
	}

	deleteOne(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return this.#run('deleteOne', () => this.source.deleteOne(filter, options));
	}

	deleteMany(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return this.#run('deleteMany', () => this.source.deleteMany(filter, options));
	}

	announce(action: Change['action'], document: T, options?: WriteOptions): Promise<void> {
		return this.source.announce(action, document, options);
	}
}

/** The same store with traced operations, also on the collections of the application. */
export function tracedStore(store: Store, begin: Begin): Store {
	const names: Readonly<Record<string, string>> = collectionNames;
	return Object.fromEntries(
		Object.entries(store).map(([key, source]: [string, unknown]) => [
			key,
			new TracedCollection(source as Collection<{ _id: string }>, names[key] ?? declaredName(key), begin),
		]),
	) as unknown as Store;
}
