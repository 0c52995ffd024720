/** Makes the missing indexes of a MongoDB. */
import type { Db } from 'mongodb';
import type { IndexedCollection, IndexSpec } from '../../shared/indexes.js';
import type { Log } from '../../shared/log.js';
import { reasonOf, StoreError } from '../../shared/storeErrors.js';
import { compareDatabase, holdsNothing, type IndexDifference, partialFilter } from './compareIndexes.js';
import { runWrite } from './runWrite.js';

export interface IndexOptions {
	readonly log: Log;
	/** Names the database and its host in the log. */
	readonly database: string;
	/** `make`: makes the missing indexes. `report`: only logs which indexes are missing or different. */
	readonly indexes: 'make' | 'report';
}

/**
 * Makes or logs the missing indexes of a database. A different index on the same fields stays. Warns if the collections
 * hold no documents.
 * @throws StoreError if an index cannot be made
 */
export async function prepareIndexes(
	db: Db,
	collections: readonly IndexedCollection[],
	options: IndexOptions,
): Promise<void> {
	const { log, database, indexes } = options;
	const isNew = (await db.listCollections({}, { nameOnly: true }).toArray()).length === 0;
	if (await holdsNothing(db, collections))
		log.warn(
			{ database },
			'The database holds no data of this service. If it should hold some, its name in the address is wrong',
		);
	const differences = await compareDatabase(db, collections);
	const different = differences.filter(({ kind }) => kind === 'different');
	const missing = differences.filter(({ kind }) => kind === 'missing');
	if (indexes === 'report') {
		if (missing.length + different.length > 0)
			log.warn(
				{ database, missing: missing.map(textOf), different: different.map(textOf) },
				'Some indexes that Roomkey needs are missing or different. With --no-index, --read-only or --shadow, Roomkey makes none: reads are slower, and values that must be unique may be stored twice',
			);
		return;
	}
	if (missing.length > 0 && !isNew)
		log.warn({ database, indexes: missing.map(textOf) }, 'Makes indexes in a database that other programs may use');
	for (const { collection, fields } of different)
		log.warn({ collection, fields }, `Left another index on ${fields.join(', ')} of ${collection} in place`);
	for (const { collection, index } of missing) if (index) await makeIndex(db, collection, index, log);
}

const textOf = ({ collection, fields, needed, present }: IndexDifference) =>
	`${collection} (${fields.join(', ')}): ${needed}${present === undefined ? '' : `, not ${present}`}`;

/** Error codes of MongoDB. */
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;
const DUPLICATE_KEY = 11_000;

/** How long MongoDB keeps a document after its date of expiry, in seconds, because clocks may differ. */
const EXPIRY_DELAY_S = 60;

async function makeIndex(
	db: Db,
	collection: string,
	{ fields, unique, sparse, partial, expires }: IndexSpec,
	log: Log,
): Promise<void> {
	const keys = Object.fromEntries(fields.map((field) => [field, 1 as const]));
	const properties = {
		...(partial ? { partialFilterExpression: partialFilter(fields) } : { sparse }),
		...(expires && { expireAfterSeconds: EXPIRY_DELAY_S }),
	};
	try {
		await runWrite(() => db.collection(collection).createIndex(keys, { unique, ...properties }));
	} catch (error) {
		const { code } = error as { code?: unknown };
		const target = `${fields.join(', ')} of ${collection}`;
		// Another process has made a different index on these fields meanwhile.
		if (code === INDEX_OPTIONS_CONFLICT || code === INDEX_KEY_SPECS_CONFLICT)
			log.warn({ collection, fields }, `Left another index on ${target} in place`);
		else if (code === DUPLICATE_KEY)
			throw new StoreError('unusable', `No unique index on ${target} can be made: two documents have the same value.`);
		else throw new StoreError('unusable', `No index on ${target} can be made: ${reasonOf(error)}.`, { cause: error });
	}
}
