import type { Collection, Filter } from '../../shared/store.js';

/** Whether any document of a collection matches. */
export async function exists<T extends { _id: string }>(
	collection: Collection<T>,
	filter: Filter<T>,
): Promise<boolean> {
	return (await collection.findOne(filter, { projection: { _id: 1 } })) !== null;
}
