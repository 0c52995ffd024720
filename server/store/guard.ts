/** What holds for both stores: the time of each write is kept, and no filter holds undefined. */
import type { Collection, Filter, UpdateFilter } from '../../shared/store.js';

type Document = { _id: string };

/** Operators that both stores have, with the same meaning: the contract suite shows it. */
const UPDATES = new Set(['$set', '$unset', '$inc', '$push', '$pull', '$addToSet']);

/**
 * An undefined in a filter is a mistake of the caller: one database takes it for null, another for no condition at all,
 * and then every document matches.
 */
function demandDefined(filter: unknown): void {
	if (filter === undefined) throw new TypeError('undefined in a filter');
	if (typeof filter === 'object' && filter !== null) for (const value of Object.values(filter)) demandDefined(value);
}

function checked<T>(filter: Filter<T>): Filter<T> {
	demandDefined(filter);
	return filter;
}

/** Rocket.Chat's model layer moves `_updatedAt` at every write (`contract/rocketchat-e2e.md` 2.4). */
function dated<T>(update: UpdateFilter<T>): UpdateFilter<T> {
	for (const operator of Object.keys(update)) {
		if (!UPDATES.has(operator)) throw new TypeError(`${operator} is not supported in an update`);
	}
	return { ...update, $set: { _updatedAt: new Date(), ...update.$set } } as unknown as UpdateFilter<T>;
}

/** Wraps a collection. Mistakes of the caller come out as rejections, as those of a database do. */
export function guard<T extends Document>(inner: Collection<T>): Collection<T> {
	return {
		findOne: async (filter, options) => inner.findOne(checked(filter), options),
		find: (filter, options) => inner.find(checked(filter), options),
		countDocuments: async (filter) => inner.countDocuments(checked(filter)),
		insertOne: async (document) => inner.insertOne({ _updatedAt: new Date(), ...document }),
		updateOne: async (filter, update) => inner.updateOne(checked(filter), dated(update)),
		updateMany: async (filter, update) => inner.updateMany(checked(filter), dated(update)),
		findOneAndUpdate: async (filter, update, options) =>
			inner.findOneAndUpdate(checked(filter), dated(update), options),
		deleteOne: async (filter) => inner.deleteOne(checked(filter)),
		deleteMany: async (filter) => inner.deleteMany(checked(filter)),
	};
}
