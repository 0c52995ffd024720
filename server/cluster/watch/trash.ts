/**
 * Finds removed documents in `rocketchat__trash`, the trash. Rocket.Chat first copies a document to the trash, and then
 * removes it from its own collection. So a document in the trash may still be in its own collection for a while.
 */
import { batchesOf } from '../../../shared/batches.js';
import { collectionNames } from '../../../shared/store.js';
import { KNOWN_FIELDS, type LastKnown, lastKnown } from '../lastKnown.js';
import type { WatchedDatabase } from './database.js';
import { DatedDocuments, WIDE_OVERLAP_MS } from './datedDocuments.js';
import { trashName } from './removedDocuments.js';
import type { WatchedCollection, WatchSink } from './sink.js';

const MAX_PER_QUERY = 5000;

/**
 * A trash without an index is read only if it has at most this many documents, because each query reads all of them.
 */
const MAX_WITHOUT_INDEX = 10_000;

/** Maximum time from finding a document in the trash to its removal from its own collection, in ms. */
const MAX_DELAY_MS = WIDE_OVERLAP_MS;

/** A document in the trash that its collection may still have. */
interface Unreported {
	readonly last: LastKnown;
	/** When the document was found in the trash, in ms since 1970. */
	readonly foundAt: number;
}

export class Trash {
	readonly #records: DatedDocuments;
	readonly #collections: ReadonlyMap<unknown, WatchedCollection>;
	/** By collection and id. */
	readonly #unreported = new Map<WatchedCollection, Map<string, Unreported>>();
	/** Whether the trash is read at all: it is small, or has the index that Rocket.Chat makes. */
	#isRead = false;

	constructor(
		collections: readonly WatchedCollection[],
		private readonly database: WatchedDatabase,
		private readonly sink: Pick<WatchSink, 'report'>,
	) {
		const fields = ['__collection__', ...KNOWN_FIELDS];
		this.#records = new DatedDocuments({ database, collection: collectionNames.trash, field: '_deletedAt', fields });
		this.#collections = new Map(collections.map((collection) => [trashName(collection.name), collection]));
	}

	/** Marks as seen the documents that are in the trash now. */
	async begin(): Promise<void> {
		const { trash } = collectionNames;
		const hasIndex = await this.database.hasIndex(trash, '_deletedAt');
		this.#isRead = hasIndex || (await this.database.count(trash)) <= MAX_WITHOUT_INDEX;
		if (this.#isRead) await this.#records.begin();
	}

	/** Reports the documents in the trash that are no longer in their collections. */
	async poll(isWide: boolean): Promise<void> {
		if (!this.#isRead) return;
		const foundAt = Date.now();
		await this.#records.readNew(isWide, (record) => {
			const collection = this.#collections.get(record.__collection__);
			if (!collection) return;
			const unreportedById = this.#unreported.get(collection) ?? new Map<string, Unreported>();
			unreportedById.set(record._id, { last: lastKnown(record), foundAt });
			this.#unreported.set(collection, unreportedById);
		});
		await Promise.all(
			[...this.#unreported].map(([collection, unreported]) => this.#reportRemoved(collection, unreported)),
		);
	}

	/** Reports the documents that are removed. Drops those that their collection still has after `MAX_DELAY_MS`. */
	async #reportRemoved(collection: WatchedCollection, unreported: Map<string, Unreported>): Promise<void> {
		for (const batch of batchesOf([...unreported.keys()], MAX_PER_QUERY)) {
			const existing = await this.database.existing(collection.name, batch);
			for (const id of batch) {
				const { last, foundAt } = unreported.get(id) as Unreported;
				if (!existing.has(id)) this.sink.report(collection.key, id, { action: 'removed', last });
				else if (Date.now() - foundAt < MAX_DELAY_MS) continue;
				unreported.delete(id);
			}
		}
		if (unreported.size === 0) this.#unreported.delete(collection);
	}
}
