/**
 * Finds the documents that Rocket.Chat has removed: it first puts them into the collection `rocketchat__trash`. So a
 * document in the trash may still be in its collection for a while.
 */
import { batchesOf } from '../../../shared/batches.js';
import { collectionNames } from '../../../shared/store.js';
import { KNOWN_FIELDS, type LastKnown, lastKnown } from '../lastKnown.js';
import type { WatchedDatabase } from './database.js';
import { DatedDocuments, WIDE_OVERLAP_MS } from './datedDocuments.js';
import { trashName } from './removedDocuments.js';
import type { WatchedCollection, WatchSink } from './sink.js';

/** Maximum number of documents in one query. */
const MAX_PER_QUERY = 5000;

/** Without an index, the trash is read as a whole each time. With more documents it is not read, then. */
const MAX_WITHOUT_INDEX = 10_000;

/** How long a document in the trash may still be in its collection, in ms. */
const MAX_DELAY_MS = WIDE_OVERLAP_MS;

/** A document that may have been removed. */
interface Pending {
	readonly last: LastKnown;
	/** When it was found in the trash, in ms since 1970. */
	readonly foundAt: number;
}

export class Trash {
	readonly #records: DatedDocuments;
	readonly #collections: ReadonlyMap<unknown, WatchedCollection>;
	readonly #pending = new Map<WatchedCollection, Map<string, Pending>>();
	/** Whether only few documents are read to find the new ones. Rocket.Chat makes an index. */
	#isCheap = false;

	constructor(
		collections: readonly WatchedCollection[],
		private readonly database: WatchedDatabase,
		private readonly sink: Pick<WatchSink, 'report'>,
	) {
		const fields = ['__collection__', ...KNOWN_FIELDS];
		this.#records = new DatedDocuments({ database, collection: collectionNames.trash, field: '_deletedAt', fields });
		this.#collections = new Map(collections.map((collection) => [trashName(collection.name), collection]));
	}

	/** Notes what is there already. */
	async begin(): Promise<void> {
		const { trash } = collectionNames;
		this.#isCheap =
			(await this.database.hasIndex(trash, '_deletedAt')) || (await this.database.count(trash)) <= MAX_WITHOUT_INDEX;
		if (this.#isCheap) await this.#records.begin();
	}

	/** Reports the documents in the trash that are no longer in their collections. */
	async poll(isWide: boolean): Promise<void> {
		if (!this.#isCheap) return;
		const foundAt = Date.now();
		await this.#records.next(isWide, (record) => {
			const collection = this.#collections.get(record.__collection__);
			if (!collection) return;
			const ofCollection = this.#pending.get(collection) ?? new Map<string, Pending>();
			ofCollection.set(record._id, { last: lastKnown(record), foundAt });
			this.#pending.set(collection, ofCollection);
		});
		await Promise.all([...this.#pending].map(([collection, pending]) => this.#reportGone(collection, pending)));
	}

	async #reportGone(collection: WatchedCollection, pending: Map<string, Pending>): Promise<void> {
		for (const some of batchesOf([...pending.keys()], MAX_PER_QUERY)) {
			const existing = await this.database.existing(collection.name, some);
			for (const id of some) {
				const { last, foundAt } = pending.get(id) as Pending;
				if (!existing.has(id)) this.sink.report(collection.key, id, { action: 'removed', last });
				else if (Date.now() - foundAt < MAX_DELAY_MS) continue;
				pending.delete(id);
			}
		}
		if (pending.size === 0) this.#pending.delete(collection);
	}
}
