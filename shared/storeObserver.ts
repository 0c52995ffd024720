/** What observes the operations of a store. */

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

export interface CollectionObserver {
	/** @returns what `end` needs */
	begin(operation: Operation): unknown;
	/** For `find`: called at the first document, or at the end if there is none. */
	end(operation: Operation, begun: unknown, failure?: unknown): void;
	/**
	 * Called when `findOneAndUpdate` has updated a document. The metrics read from the update what happens to the keys
	 * of rooms and members.
	 */
	onFindOneAndUpdate(update: object): void;
}

/** The observer of a collection, undefined until the store is observed. */
export interface ObserverSlot {
	observer: CollectionObserver | undefined;
}

export interface StoreObserver {
	/** Called once for each collection. @param collection its name in the database */
	observeCollection(collection: string): CollectionObserver;
}
