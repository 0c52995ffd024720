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
	 * An operation ends; a query ends with its first document. The error of a failed operation is passed.
	 * @param begun what `begin` returned
	 */
	end(operation: Operation, begun: unknown, failure?: unknown): void;
	/** A document was updated by `findOneAndUpdate`. */
	onUpdate(update: object): void;
}

export interface StoreObserver {
	/** Makes the observer of a collection. Called once for each. @param collection its name in the database */
	observeCollection(collection: string): CollectionObserver;
}
