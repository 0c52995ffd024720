/** Errors of a database, said in the words of the store. */
import type { Backend } from './collection.js';

/**
 * The backend, with whatever it throws translated.
 *
 * @param translate gives the error that callers get
 */
export function translating(backend: Backend, translate: (error: unknown) => unknown): Backend {
	async function run<R>(task: () => Promise<R>): Promise<R> {
		try {
			return await task();
		} catch (error) {
			throw await translate(error);
		}
	}
	return {
		async *find(query, options) {
			try {
				yield* backend.find(query, options);
			} catch (error) {
				throw await translate(error);
			}
		},
		findOne: (query, options) => run(() => backend.findOne(query, options)),
		count: (query) => run(() => backend.count(query)),
		insert: (document, report) => run(() => backend.insert(document, report)),
		update: (...asked) => run(() => backend.update(...asked)),
		updateReturning: (...asked) => run(() => backend.updateReturning(...asked)),
		remove: (...asked) => run(() => backend.remove(...asked)),
	};
}
