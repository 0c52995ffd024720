/**
 * Reports removed documents with some of their fields. The fields come from the collection `rocketchat__trash`: Rocket.Chat
 * copies a document there before it removes the document, and so does Roomkey with rooms and memberships.
 */
import { batchesOf } from '../../../shared/batches.js';
import { Match } from '../../../shared/match.js';
import { KNOWN_FIELDS, type LastKnown, lastKnown } from '../lastKnown.js';
import type { WatchedDatabase } from './database.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** Time in which removals are collected, in ms. */
const COLLECT_MS = 2;

/** Maximum number of records in one query. */
const MAX_PER_QUERY = 500;

/** The collections whose subscribers receive more than the id of a removed document. */
const WITH_FIELDS: ReadonlySet<string> = new Set(['rooms', 'subscriptions']);

/** The name by which records in the trash refer to a collection: without `rocketchat_`. */
export const trashName = (collection: string) => collection.replace(/^rocketchat_/, '');

export class RemovedDocuments {
	#waiting = new Set<string>();

	constructor(
		private readonly collection: WatchedCollection,
		private readonly database: Pick<WatchedDatabase, 'trashed'>,
		private readonly sink: Pick<WatchSink, 'report'>,
	) {}

	/** Reports a removed document, immediately or a little later. */
	add(id: string): void {
		const { key } = this.collection;
		if (!WITH_FIELDS.has(key)) {
			this.sink.report(key, id, { action: 'removed' });
			return;
		}
		this.#waiting.add(id);
		// The first waiting document sets the timer.
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
			// If the trash cannot be read, the removal is reported with the id alone, which is enough for live queries.
			const records = await this.database.trashed(batch, KNOWN_FIELDS).catch(() => []);
			const OfCollection = Match.ObjectIncluding({ _id: String, __collection__: trashName(name) });
			const known = new Map<string, LastKnown>();
			for (const record of records) if (Match.test(record, OfCollection)) known.set(record._id, lastKnown(record));
			for (const id of batch) this.sink.report(key, id, { action: 'removed', last: known.get(id) });
		}
	}
}
