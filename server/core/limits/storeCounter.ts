/**
 * A counter in a store that several processes share. It counts the calls of all processes exactly. Each key, such as a
 * user or an address, has its own count. Counting a call takes one write; more if it begins a window, none if the key
 * was over the limit just before. Keys are stored as hashes: see `sharedId`.
 */
import { insertIfAbsent } from '../../../methods/model/insertIfAbsent.js';
import { CONFLICT, retryOnConflict } from '../../../methods/model/retryOnConflict.js';
import { SILENT, sharedId } from '../../../methods/model/sharedState.js';
import type { SharedState } from '../../../shared/documents.js';
import { ExpiringCache } from '../../../shared/expiringCache.js';
import type { Limit } from '../../../shared/limit.js';
import type { Store } from '../../../shared/store.js';
import { type RefundableCounter, requireLimit, resultOf } from './counters.js';

/**
 * How long this process remembers that a key is over the limit, in ms. Calls of this key are refused without a write.
 */
const REMEMBERED_MS = 1000;

const MAX_REMEMBERED = 10_000;

/**
 * Makes a counter in the store. The window of a key begins with its first count in any process.
 * @param name identifies the counter in all processes
 * @throws Error for an invalid limit
 */
export function createStoreCounter({ sharedState }: Store, name: string, limit: Limit): RefundableCounter {
	requireLimit(limit);
	const { calls, per } = limit;
	/** For each key that is over the limit, the end of its window in epoch ms. */
	const overLimit = new ExpiringCache<number>({ ttl: REMEMBERED_MS, max: MAX_REMEMBERED });
	const idOf = (key: string) => sharedId('count', `${name}\n${key}`);

	/**
	 * Adds a call.
	 * @returns the count with this call, and the end of its window; `CONFLICT` if another process has begun a window at
	 *   the same time
	 */
	async function add(_id: string): Promise<Pick<SharedState, 'count' | 'until'> | typeof CONFLICT> {
		const now = new Date();
		const counted = await sharedState.findOneAndUpdate(
			{ _id, until: { $gt: now } },
			{ $inc: { count: 1 } },
			{ returnDocument: 'after', ...SILENT },
		);
		if (counted) return counted;
		const newWindow = { count: 1, until: new Date(now.getTime() + per) };
		// If several processes find that the window is over, one of them begins the next window.
		const expiredWindow = { _id, until: { $not: { $gt: now } } };
		const { matchedCount } = await sharedState.updateOne(expiredWindow, { $set: newWindow }, SILENT);
		if (matchedCount > 0) return newWindow;
		const isInserted = await insertIfAbsent(sharedState, { _id, ...newWindow }, SILENT);
		return isInserted ? newWindow : CONFLICT;
	}

	return {
		async count(key) {
			const _id = idOf(key);
			const overUntil = overLimit.get(_id);
			if (overUntil !== undefined && overUntil > Date.now()) return resultOf(limit, calls + 1, overUntil - Date.now());
			const { count = 1, until } = await retryOnConflict(() => add(_id));
			if (count > calls) overLimit.set(_id, until.getTime());
			return resultOf(limit, count, until.getTime() - Date.now());
		},
		async refund(key) {
			const _id = idOf(key);
			await sharedState.updateOne({ _id, count: { $gt: 0 } }, { $inc: { count: -1 } }, SILENT);
			overLimit.delete(_id);
		},
		async forget(key) {
			const _id = idOf(key);
			overLimit.delete(_id);
			await sharedState.updateOne({ _id }, { $set: { count: 0 } }, SILENT);
		},
	};
}
