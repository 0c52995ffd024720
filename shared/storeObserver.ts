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

/** Observes the operations on one collection. */
export interface CollectionObserver {
	/** An operation begins. @returns what `end` needs */
	begin(operation: Operation): unknown;
	/**
	 * An operation ends. For `find`, this is called at the first document, or at the end if there is none.
	 * @param begun what `begin` returned
	 * @param failure the error of a failed operation
	 */
	end(operation: Operation, begun: unknown, failure?: unknown): void;
	/** `findOneAndUpdate` has updated a document. The metrics read from it what happens to the keys of rooms and members. */
	onFindOneAndUpdate(update: object): void;
}

/** Holds the observer of a collection. The observer is undefined until the store is observed. */
export interface ObserverSlot {
	observer: CollectionObserver | undefined;
}

export interface StoreObserver {
	/** Makes the observer of a collection. Called once for each collection. @param collection its name in the database */
	observeCollection(collection: string): CollectionObserver;
}
