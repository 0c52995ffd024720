/**
 * Reports removals with what is still known of the document. Rocket.Chat and Roomkey put a document into the collection
 * `rocketchat__trash` before they remove it.
 */
import { Match } from '../../../shared/match.js';
import type { WatchedDatabase } from './database.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** Time in which removals are collected, in ms. */
const COLLECT_MS = 2;

/** Maximum number of records in one query. */
const MAX_PER_QUERY = 500;

/** The fields of a removed document that its subscribers receive, or that say which subscribers there are. */
export const KNOWN_FIELDS: readonly string[] = ['rid', 'u', 't', 'name'];

/** Of these collections, subscribers receive more than the id of a removed document. */
const COLLECTIONS: ReadonlySet<string> = new Set(['rooms', 'subscriptions']);

const TrashRecord = Match.ObjectIncluding({ _id: String, __collection__: String });

/** The name that records of the trash have for a collection. */
export const trashName = (collection: string) => collection.replace(/^rocketchat_/, '');

const UserRef = Match.ObjectIncluding({ _id: String });

/** The parts of a record that subscribers may receive. */
export function lastKnown(record: unknown): ({ _id: string } & Record<string, unknown>) | undefined {
	if (!Match.test(record, TrashRecord)) return undefined;
	const { _id, rid, u, t, name } = record as { _id: string } & Record<string, unknown>;
	const texts = Object.entries({ rid, t, name }).filter(([, value]) => typeof value === 'string');
	return { _id, ...Object.fromEntries(texts), ...(Match.test(u, UserRef) && { u }) };
}

export class RemovedDocuments {
	#waiting = new Set<string>();

	constructor(
		private readonly collection: WatchedCollection,
		private readonly database: Pick<WatchedDatabase, 'trashed'>,
		private readonly sink: Pick<WatchSink, 'report'>,
	) {}

	/** Reports a removed document, at once or a little later. */
	add(id: string): void {
		const { key } = this.collection;
		if (!COLLECTIONS.has(key)) {
			this.sink.report(key, id, { action: 'removed' });
			return;
		}
		this.#waiting.add(id);
		if (this.#waiting.size > 1) return;
		setTimeout(() => {
			const ids = [...this.#waiting];
			this.#waiting = new Set();
			void this.#reportAll(ids);
		}, COLLECT_MS);
	}

	async #reportAll(ids: readonly string[]): Promise<void> {
		const { key, name } = this.collection;
		for (let i = 0; i < ids.length; i += MAX_PER_QUERY) {
			const some = ids.slice(i, i + MAX_PER_QUERY);
			// Without the trash, live queries still learn of the removal.
			const records = await this.database.trashed(some, KNOWN_FIELDS).catch(() => []);
			const known = new Map<string, ReturnType<typeof lastKnown>>();
			for (const record of records) {
				const last = lastKnown(record);
				if (last && (record as { __collection__: string }).__collection__ === trashName(name))
					known.set(last._id, last);
			}
			for (const id of some) this.sink.report(key, id, { action: 'removed', last: known.get(id) });
		}
	}
}
