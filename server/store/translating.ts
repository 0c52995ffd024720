/** Translates database errors to store errors. */
import type { Backend } from './collection.js';

/**
 * Wraps a backend and translates its errors.
 *
 * @param translate returns the error for callers
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
