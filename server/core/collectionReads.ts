import type { Collection, Cursor, Filter, FindOptions } from '../../shared/store.js';

/** Passes the reads of a collection on to `source`. Subclasses add the writes. */
export abstract class CollectionReads<T extends { _id: string }>
	implements Pick<Collection<T>, 'findOne' | 'find' | 'countDocuments'>
{
	constructor(protected readonly source: Collection<T>) {}

	findOne(filter: Filter<T>, options?: FindOptions): Promise<T | null> {
		return this.source.findOne(filter, options);
	}

	find(filter: Filter<T>, options?: FindOptions): Cursor<T> {
		return this.source.find(filter, options);
	}

	countDocuments(filter: Filter<T>): Promise<number> {
		return this.source.countDocuments(filter);
	}
}
