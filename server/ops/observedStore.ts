/** A store whose operations are timed. */
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

export const OPERATIONS = [
	'findOne',
	'find',
	'countDocuments',
	'insertOne',
	'updateOne',
	'updateMany',
	'findOneAndUpdate',
	'deleteOne',
	'deleteMany',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Observes the operations of one kind on one collection. */
export interface OperationObserver {
	/** Called at the start. @returns called at the end; the error of a failed operation is passed */
	begin(): (failure?: unknown) => void;
}

export interface OperationObservers {
	/** Makes the observer of an operation. @param collection its name in the database */
	observerOf(collection: string, operation: Operation): OperationObserver;
	/** A single document was updated by `findOneAndUpdate`. */
	onUpdate(collection: string, update: object): void;
}

class ObservedCollection<T extends { _id: string }> implements Collection<T> {
	readonly #observers: Readonly<Record<Operation, OperationObserver>>;

	constructor(
		private readonly source: Collection<T>,
		private readonly name: string,
		private readonly observers: OperationObservers,
	) {
		this.#observers = Object.fromEntries(
			OPERATIONS.map((operation) => [operation, observers.observerOf(name, operation)]),
		) as unknown as Record<Operation, OperationObserver>;
	}

	/** Runs an operation, and reports its start and its end. The caller gets the promise of the operation itself. */
	#run<R>(operation: Operation, start: () => Promise<R>): Promise<R> {
		const end = this.#observers[operation].begin();
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
			// Timed until the first document: what follows may depend on how fast a client reads.
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

	async findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		options: Parameters<Collection<T>['findOneAndUpdate']>[2],
	): Promise<T | null> {
		const updated = await this.#run('findOneAndUpdate', () => this.source.findOneAndUpdate(filter, update, options));
		if (updated !== null) this.observers.onUpdate(this.name, update);
		return updated;
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

/** The same store with observed operations, also on the collections of the application. */
export function observedStore(store: Store, observers: OperationObservers): Store {
	const names: Readonly<Record<string, string>> = collectionNames;
	return Object.fromEntries(
		Object.entries(store).map(([key, source]: [string, unknown]) => [
			key,
			new ObservedCollection(source as Collection<{ _id: string }>, names[key] ?? declaredName(key), observers),
		]),
	) as unknown as Store;
}
