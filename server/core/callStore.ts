/**
 * The store as one call sees it. It reports when subscribers have received the call's writes. The DDP message `updated`
 * is sent after that.
 */
import {
	type Change,
	type Collection,
	type Filter,
	type Store,
	StoreView,
	type UpdateFilter,
	type WriteOptions,
} from '../../shared/store.js';
import { CollectionReads } from './collectionReads.js';

type OnAnnounced = NonNullable<WriteOptions['onAnnounced']>;

export type CallStoreFactory = (onAnnounced: OnAnnounced) => Store;

class CallCollection<T extends { _id: string }> extends CollectionReads<T> implements Collection<T> {
	constructor(
		source: Collection<T>,
		private readonly onAnnounced: OnAnnounced,
	) {
		super(source);
	}

	insertOne(document: T, options?: WriteOptions): Promise<unknown> {
		return this.source.insertOne(document, this.#withListener(options));
	}

	updateOne(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return this.source.updateOne(filter, update, this.#withListener(options));
	}

	updateMany(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }> {
		return this.source.updateMany(filter, update, this.#withListener(options));
	}

	findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		options: Parameters<Collection<T>['findOneAndUpdate']>[2],
	): Promise<T | null> {
		return this.source.findOneAndUpdate(filter, update, { ...options, onAnnounced: this.onAnnounced });
	}

	deleteOne(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return this.source.deleteOne(filter, this.#withListener(options));
	}

	deleteMany(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }> {
		return this.source.deleteMany(filter, this.#withListener(options));
	}

	announce(action: Change['action'], document: Pick<T, '_id'> & Partial<T>, options?: WriteOptions): Promise<void> {
		return this.source.announce(action, document, this.#withListener(options));
	}

	#withListener(options: WriteOptions | undefined): WriteOptions {
		return { ...options, onAnnounced: this.onAnnounced };
	}
}

/** Prepares views of a store. A view creates each of its collections on first use. */
export function createCallStoreFactory(source: Store): CallStoreFactory {
	class CallStore extends StoreView {
		readonly source = source;
		readonly collections = new Map<string, unknown>();

		constructor(readonly onAnnounced: OnAnnounced) {
			super();
		}
	}
	for (const name of Object.keys(source) as (keyof Store)[]) {
		Object.defineProperty(CallStore.prototype, name, {
			get(this: CallStore) {
				let collection = this.collections.get(name);
				if (!collection) {
					collection = new CallCollection(source[name] as unknown as Collection<{ _id: string }>, this.onAnnounced);
					this.collections.set(name, collection);
				}
				return collection;
			},
		});
	}
	return (onAnnounced) => new CallStore(onAnnounced) as unknown as Store;
}
