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

/** @param end called when the operation has ended; its observer has begun before the operation */
async function run<R>(operation: Operation, end: (failure?: unknown) => void, task: Promise<R>): Promise<R> {
	try {
		const result = await task;
		end();
		return result;
	} catch (error) {
		// A duplicate is not a failure: the unique index has prevented it.
		end(operation === 'insertOne' && isDuplicateKey(error) ? undefined : error);
		throw error;
	}
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

	findOne(filter: Filter<T>, options?: FindOptions): Promise<T | null> {
		return run('findOne', this.#observers.findOne.begin(), this.source.findOne(filter, options));
	}

	find(filter: Filter<T>, options?: FindOptions): Cursor<T> {
		const { find } = this.#observers;
		const cursor = this.source.find(filter, options);
		return {
			toArray: () => run('find', find.begin(), cursor.toArray()),
			// Timed until the first document: what follows may depend on how fast a client reads.
			[Symbol.asyncIterator]() {
				const documents = cursor[Symbol.asyncIterator]();
				let isFirst = true;
				return {
					next() {
						if (!isFirst) return documents.next();
						isFirst = false;
						return run('find', find.begin(), documents.next());
					},
					return: async () => (await documents.return?.()) ?? { done: true, value: undefined },
				};
			},
		};
	}

	countDocuments(filter: Filter<T>): Promise<number> {
		return run('countDocuments', this.#observers.countDocuments.begin(), this.source.countDocuments(filter));
	}

	insertOne(document: T, options?: WriteOptions): Promise<unknown> {
		return run('insertOne', this.#observers.insertOne.begin(), this.source.insertOne(document, options));
	}

	updateOne(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return run('updateOne', this.#observers.updateOne.begin(), this.source.updateOne(filter, update, options));
	}

	updateMany(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return run('updateMany', this.#observers.updateMany.begin(), this.source.updateMany(filter, update, options));
	}

	async findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		options: Parameters<Collection<T>['findOneAndUpdate']>[2],
	): Promise<T | null> {
		const end = this.#observers.findOneAndUpdate.begin();
		const updated = await run('findOneAndUpdate', end, this.source.findOneAndUpdate(filter, update, options));
		if (updated !== null) this.observers.onUpdate(this.name, update);
		return updated;
	}

	deleteOne(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return run('deleteOne', this.#observers.deleteOne.begin(), this.source.deleteOne(filter, options));
	}

	deleteMany(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return run('deleteMany', this.#observers.deleteMany.begin(), this.source.deleteMany(filter, options));
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
