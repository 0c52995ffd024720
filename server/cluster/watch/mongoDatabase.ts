/** Implements `WatchedDatabase` with the driver of MongoDB. */
import { ChangeStream, type Db, MongoError } from 'mongodb';
import { collectionNames } from '../../../shared/store.js';
import type { Document } from '../../../shared/values.js';
import { runWrite } from '../../mongodb/runWrite.js';
import { unavailableError } from '../../mongodb/unavailable.js';
import type { WatchedDatabase } from './database.js';

/** How long the server waits for an event before it answers that there is none, in ms. */
const MAX_AWAIT_MS = 1000;

/** Maximum number of documents in one answer of the server. */
const BATCH_SIZE = 1000;

/** With the whole document, an event may be too large to be sent. */
const EVENT_FIELDS = { operationType: 1, documentKey: 1, clusterTime: 1, wallTime: 1 } as const;

/** MongoDB's error code for a collection that does not exist. */
const NAMESPACE_NOT_FOUND = 26;

const projectionOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 1 as const]));

/** Writes nothing except the indexes that `polling.ts` needs. */
export function watchedDatabase(db: Db, makesIndexes: boolean): WatchedDatabase {
	const collection = (name: string) => db.collection<Document>(name);
	return {
		openStream(name, { resumeAfter, lookup, onOpen }) {
			const stream = collection(name).watch(
				[{ $project: { ...EVENT_FIELDS, ...(lookup && { 'fullDocument._id': 1 }) } }],
				{
					maxAwaitTimeMS: MAX_AWAIT_MS,
					...(lookup && { fullDocument: 'updateLookup' }),
					...(resumeAfter ? { resumeAfter } : {}),
				},
			);
			stream.once(ChangeStream.RESUME_TOKEN_CHANGED, onOpen);
			return stream;
		},
		dated: ({ collection: name, field, since, fields = [] }) =>
			collection(name)
				.find({ [field]: { $gte: since } }, { projection: projectionOf([field, ...fields]), batchSize: BATCH_SIZE })
				.sort({ [field]: 1 }),
		newest: (name, field, until) =>
			collection(name).findOne({ [field]: { $lte: until } }, { projection: { [field]: 1 }, sort: { [field]: -1 } }),
		async existing(name, ids) {
			const found = collection(name).find(
				{ _id: { $in: [...ids] } },
				{ projection: { _id: 1 }, batchSize: ids.length },
			);
			return new Set(await found.map(({ _id }) => _id).toArray());
		},
		trashed: (ids, fields) =>
			collection(collectionNames.trash)
				.find({ _id: { $in: [...ids] } }, { projection: projectionOf(['__collection__', ...fields]) })
				.toArray(),
		count: (name) => collection(name).estimatedDocumentCount(),
		async hasIndex(name, field) {
			const indexes = await collection(name)
				.listIndexes()
				.toArray()
				.catch((error: unknown) => {
					if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return [];
					throw error;
				});
			return indexes.some(({ key }) => Object.keys(key as object)[0] === field);
		},
		makesIndexes,
		async createIndex(name, field) {
			await runWrite(() => collection(name).createIndex({ [field]: 1 }));
		},
		isUnavailable(error) {
			// `unavailableError` returns other errors as they are.
			if (unavailableError(error) !== error) return true;
			return error instanceof MongoError && error.hasErrorLabel('ResumableChangeStreamError');
		},
	};
}
