/** The store on MongoDB: the official driver, with Rocket.Chat's collections. */
import type { Collection as DriverCollection } from 'mongodb';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { Log } from '../../shared/log.js';
import type { FindOptions } from '../../shared/store.js';
import type { Document, Fields } from '../../shared/values.js';
import { connect, databaseAndHosts, databaseOf, identityOf } from '../mongodb/client.js';
import { prepareIndexes } from '../mongodb/makeIndexes.js';
import { runWrite } from '../mongodb/runWrite.js';
import { unavailableError } from '../mongodb/unavailable.js';
import { projector } from '../query/projection.js';
import { applyUpdate, type Update } from '../query/update.js';
import type { Backend } from './collection.js';
import { buildStore, collectionSpecs, type IndexMode, type OpenStore } from './collections.js';
import type { Report } from './orderedReports.js';

/**
 * Connects to the database of a `mongodb://` address.
 * @throws StoreError `unreachable` or `unusable`. Its message never contains the password of the address
 */
export async function openMongo(
	url: string,
	log: Log,
	declared: readonly CollectionDefinition[] = [],
	indexes: IndexMode = 'make',
): Promise<OpenStore> {
	const client = await connect(url);
	try {
		const db = client.db(databaseOf(url));
		if (indexes !== 'leave')
			await prepareIndexes(db, collectionSpecs(declared), { log, database: databaseAndHosts(url), indexes });
		const open = await buildStore(
			declared,
			async ({ name }) => mongoBackend(db.collection<Document>(name)),
			unavailableError,
			() => client.close(),
		);
		return { ...open, db, identity: await identityOf(db) };
	} catch (error) {
		await client.close();
		throw error;
	}
}

/** Maximum number of documents in one step of a multi-document write. */
const PAGE = 100;

function mongoBackend(collection: DriverCollection<Document>): Backend {
	/**
	 * Reads the matching documents in pages. `stillMatching` is the filter of a page for the documents that match at the time
	 * of a write.
	 */
	async function* pages(filter: Fields): AsyncIterable<{ documents: Document[]; stillMatching: Fields }> {
		const ids = await collection.find(filter, { projection: { _id: 1 } }).toArray();
		for (let i = 0; i < ids.length; i += PAGE) {
			const stillMatching = { _id: { $in: ids.slice(i, i + PAGE).map(({ _id }) => _id) }, $and: [filter] };
			yield { documents: await collection.find(stillMatching).toArray(), stillMatching };
		}
	}

	async function matchesAny(filter: Fields): Promise<boolean> {
		return (await collection.findOne(filter, { projection: { _id: 1 } })) !== null;
	}

	/**
	 * Removes all matching documents, or one of them without `multi`. Repeats the removal, because FerretDB 2.7 skips a
	 * document during a concurrent write.
	 */
	async function removeMatching(filter: Fields, multi: boolean): Promise<number> {
		let count = 0;
		do {
			const { deletedCount } = await (multi ? collection.deleteMany(filter) : collection.deleteOne(filter));
			count += deletedCount;
			if (!multi && count > 0) break;
		} while (await matchesAny(filter));
		return count;
	}

	return {
		// The answers to concurrent writes come over several connections.
		reportsInOrder: false,
		find: ({ filter }, options) => collection.find(filter, options as FindOptions) as AsyncIterable<Fields>,
		findOne: ({ filter }, options) => collection.findOne(filter, options as FindOptions),
		count: ({ filter }) => collection.countDocuments(filter),
		insert: async (document, report) => {
			await runWrite(() => collection.insertOne(document));
			await report?.({ action: 'inserted', id: document._id, after: document });
		},
		async update({ filter }, update, multi, report) {
			if (!report)
				return runWrite(async () => {
					const { matchedCount } = await collection[multi ? 'updateMany' : 'updateOne'](filter, update);
					return matchedCount;
				});
			if (!multi) {
				const before = await runWrite(() => collection.findOneAndUpdate(filter, update, { returnDocument: 'before' }));
				if (before) await reportUpdate(report, before, update);
				return before ? 1 : 0;
			}
			let count = 0;
			for await (const { documents, stillMatching } of pages(filter)) {
				const { matchedCount } = await runWrite(() => collection.updateMany(stillMatching, update));
				// Read again, because other writers may have changed the documents meanwhile.
				const before = new Map(documents.map((document) => [document._id, document]));
				for await (const after of collection.find({ _id: { $in: [...before.keys()] } }))
					await report({ action: 'updated', id: after._id, before: before.get(after._id), after });
				count += matchedCount;
			}
			return count;
		},
		async updateReturning({ filter }, update, options, report) {
			if (!report)
				return runWrite(() =>
					collection.findOneAndUpdate(filter, update, options as typeof options & { includeResultMetadata: false }),
				);
			// Made first, because it throws for a projection that is invalid.
			const project = projector(options.projection);
			const before = await runWrite(() => collection.findOneAndUpdate(filter, update, { returnDocument: 'before' }));
			if (!before) return null;
			const after = await reportUpdate(report, before, update);
			return project(options.returnDocument === 'before' ? before : after);
		},
		async remove({ filter }, multi, report) {
			if (!report) return runWrite(() => removeMatching(filter, multi));
			if (!multi) {
				for (;;) {
					const before = await runWrite(() => collection.findOneAndDelete(filter));
					if (before) await report({ action: 'removed', id: before._id, before });
					if (before) return 1;
					// FerretDB may have skipped a document, see `removeMatching`.
					if (!(await matchesAny(filter))) return 0;
				}
			}
			let count = 0;
			for await (const { documents, stillMatching } of pages(filter)) {
				const removed = await runWrite(() => removeMatching(stillMatching, true));
				count += removed;
				const ids = documents.map(({ _id }) => _id);
				// A document that another writer has changed meanwhile may match no more.
				const notRemoved = removed < ids.length ? await collection.distinct('_id', { _id: { $in: ids } }) : [];
				for (const before of documents)
					if (!notRemoved.includes(before._id)) await report({ action: 'removed', id: before._id, before });
			}
			return count;
		},
	};
}

/** Reports an update of a document, and returns its new state without a second read. */
async function reportUpdate(report: Report, before: Document, update: Update): Promise<Document> {
	const after = applyUpdate(before, update);
	await report({ action: 'updated', id: before._id, before, after });
	return after;
}
