/**
 * What holds for every collection, whichever store is behind it: only the common language gets through, `_updatedAt`
 * moves with every write, and a unique index is met with the same error, which shows no value.
 */
import type { Collection, Filter, UpdateFilter } from '../../shared/store.js';
import { DuplicateKeyError } from './failure.js';
import { copyUpdate, type Speak } from './update.js';
import { copyStorable, type Fields } from './values.js';

/**
 * Wraps a collection of a store.
 *
 * @param raw is given checked filters in its own words, and copies of what is to be stored
 * @param name for messages
 * @param speak checks a filter and says it in the words of the store
 */
export function guard<T extends { _id: string }>(raw: Collection<T>, name: string, speak: Speak): Collection<T> {
	const asked = (filter: Filter<T>) => speak(filter as Fields) as Filter<T>;
	const change = (update: UpdateFilter<T>) => copyUpdate(update as Fields, speak) as UpdateFilter<T>;
	const refuse = (error: unknown): never => {
		throw isDuplicate(error) ? new DuplicateKeyError(name) : error;
	};

	return {
		findOne: async (filter, options) => raw.findOne(asked(filter), options),
		find: (filter, options) => raw.find(asked(filter), options),
		countDocuments: async (filter) => raw.countDocuments(asked(filter)),
		insertOne: async (document) => raw.insertOne(prepare(document)).catch(refuse),
		updateOne: async (filter, update) => raw.updateOne(asked(filter), change(update)).catch(refuse),
		updateMany: async (filter, update) => raw.updateMany(asked(filter), change(update)).catch(refuse),
		findOneAndUpdate: async (filter, update, options) =>
			raw.findOneAndUpdate(asked(filter), change(update), options).catch(refuse),
		deleteOne: async (filter) => raw.deleteOne(asked(filter)),
		deleteMany: async (filter) => raw.deleteMany(asked(filter)),
	};
}

function prepare<T extends { _id: string }>(document: T): T {
	const { _id } = document;
	if (typeof _id !== 'string' || _id === '' || _id === '__proto__')
		throw new TypeError('A document needs an _id, a string that is not empty');
	return copyStorable({ _updatedAt: new Date(), ...document }, 'document') as T;
}

/** nedb's word for it, MongoDB's number, and what FerretDB 2.7 answers to `findOneAndUpdate`: number 1 and this text. */
function isDuplicate(error: unknown): boolean {
	const { errorType, code, message } = error as { errorType?: unknown; code?: unknown; message?: unknown };
	if (errorType === 'uniqueViolated' || code === 11000) return true;
	return code === 1 && typeof message === 'string' && /duplicate key/i.test(message);
}
