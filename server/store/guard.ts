/**
 * What holds for every collection, whichever store is behind it: only the common language gets through, `_updatedAt`
 * moves with every write, and a unique index is met with the same error, which shows no value.
 */
import type { Collection, Filter, UpdateFilter } from '../../shared/store.js';
import { DuplicateKeyError } from './failure.js';
import { copyUpdate, type Speak } from './update.js';
import { copyStorable, type Fields } from './values.js';
import type { Write } from './write.js';

/**
 * Wraps a collection of a store.
 *
 * @param raw is given checked filters in its own words, and copies of what is to be stored
 * @param name for messages
 * @param speak checks a filter and says it in the words of the store
 * @param write runs what changes something
 */
export function guard<T extends { _id: string }>(
	raw: Collection<T>,
	name: string,
	speak: Speak,
	write: Write,
): Collection<T> {
	const asked = (filter: Filter<T>) => speak(filter as Fields) as Filter<T>;
	const change = (update: UpdateFilter<T>) => copyUpdate(update as Fields, speak) as UpdateFilter<T>;
	const run: Write = (task) =>
		write(task).catch((error) => {
			throw isDuplicate(error) ? new DuplicateKeyError(name) : error;
		});

	return {
		findOne: async (filter, options) => raw.findOne(asked(filter), options),
		find: (filter, options) => raw.find(asked(filter), options),
		countDocuments: async (filter) => raw.countDocuments(asked(filter)),
		insertOne: async (document) => {
			const stored = prepare(document);
			return run(() => raw.insertOne(stored));
		},
		updateOne: async (filter, update) => {
			const [where, what] = [asked(filter), change(update)];
			return run(() => raw.updateOne(where, what));
		},
		updateMany: async (filter, update) => {
			const [where, what] = [asked(filter), change(update)];
			return run(() => raw.updateMany(where, what));
		},
		findOneAndUpdate: async (filter, update, options) => {
			const [where, what] = [asked(filter), change(update)];
			return run(() => raw.findOneAndUpdate(where, what, options));
		},
		deleteOne: async (filter) => {
			const where = asked(filter);
			return run(() => raw.deleteOne(where));
		},
		deleteMany: async (filter) => {
			const where = asked(filter);
			return run(() => raw.deleteMany(where));
		},
	};
}

function prepare<T extends { _id: string }>(document: T): T {
	const { _id } = document;
	if (typeof _id !== 'string' || _id === '' || _id === '__proto__')
		throw new TypeError('A document needs an _id, a string that is not empty');
	return copyStorable({ _updatedAt: new Date(), ...document }, 'document') as T;
}

/** nedb's word for it, MongoDB's number, and what FerretDB 2.7 answers to `findOneAndUpdate`: PostgreSQL's text. */
function isDuplicate(error: unknown): boolean {
	const { errorType, code, message } = error as { errorType?: unknown; code?: unknown; message?: unknown };
	if (errorType === 'uniqueViolated' || code === 11000) return true;
	return code === 1 && typeof message === 'string' && /violates (exclusion|unique) constraint/.test(message);
}
