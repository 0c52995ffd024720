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

/** Counts the operations of one kind on one collection. */
export interface OperationCounter {
	/** @param ms duration; of a query until its first document */
	add(ms: number, failed: boolean): void;
}

/** Observes the operations on one collection. */
export interface CollectionObserver {
	readonly counters: Readonly<Record<Operation, OperationCounter>>;
	/** A document was updated by `findOneAndUpdate`. */
	onUpdate(update: object): void;
}

export interface StoreObserver {
	/** Makes the observer of a collection. Called once for each. @param collection its name in the database */
	observeCollection(collection: string): CollectionObserver;
}
