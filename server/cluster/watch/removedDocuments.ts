/**
 * Reports removed documents with some of their fields, from the collection `rocketchat__trash`. Rocket.Chat copies
 * documents there before it removes them, and Roomkey copies rooms and memberships.
 */
import { batchesOf } from '../../../shared/batches.js';
import { Match } from '../../../shared/match.js';
import { KNOWN_FIELDS, type LastKnown, lastKnown } from '../lastKnown.js';
import type { WatchedDatabase } from './database.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** Time in which removals are collected, in ms. */
const COLLECT_MS = 2;

const MAX_PER_QUERY = 500;

/** The collections whose subscribers receive more than the id of a removed document. */
const WITH_FIELDS: ReadonlySet<string> = new Set(['rooms', 'subscriptions']);

/** The name of a collection in records of the trash. */
export const trashName = (collection: string) => collection.replace(/^rocketchat_/, '');

export class RemovedDocuments {
	#waiting = new Set<string>();

	constructor(
		private readonly collection: WatchedCollection,
		private readonly database: Pick<WatchedDatabase, 'trashed'>,
		private readonly sink: Pick<WatchSink, 'report'>,
	) {}

	/** Reports a removed document, now or a little later. */
	add(id: string): void {
		const { key } = this.collection;
		if (!WITH_FIELDS.has(key)) {
			this.sink.report(key, id, { action: 'removed' });
			return;
		}
		this.#waiting.add(id);
		const isTimerSet = this.#waiting.size > 1;
		if (isTimerSet) return;
		setTimeout(() => {
			const ids = [...this.#waiting];
			this.#waiting = new Set();
			void this.#reportAll(ids);
		}, COLLECT_MS);
	}

	async #reportAll(ids: readonly string[]): Promise<void> {
		const { key, name } = this.collection;
		for (const batch of batchesOf(ids, MAX_PER_QUERY)) {
			// Live queries need only the id, so a failure to read the trash is no fault.
			const records = await this.database.trashed(batch, KNOWN_FIELDS).catch(() => []);
			const OfCollection = Match.ObjectIncluding({ _id: String, __collection__: trashName(name) });
			const known = new Map<string, LastKnown>();
			for (const record of records) if (Match.test(record, OfCollection)) known.set(record._id, lastKnown(record));
			for (const id of batch) this.sink.report(key, id, { action: 'removed', last: known.get(id) });
		}
	}
}
