/** Watches collections by MongoDB's change streams, one for each collection. */
import type { Log } from '../../../shared/log.js';
import { reasonOf } from '../../../shared/storeErrors.js';
import { CollectionStream } from './collectionStream.js';
import type { ChangeCursor, WatchedDatabase } from './database.js';
import type { WatchedCollection, WatchSink } from './sink.js';

export interface ChangeStreamsParts {
	readonly collections: readonly WatchedCollection[];
	readonly database: WatchedDatabase;
	readonly sink: WatchSink;
	readonly log: Log;
}

export class ChangeStreams {
	readonly #streams: readonly CollectionStream[];

	constructor({ collections, ...parts }: ChangeStreamsParts) {
		this.#streams = collections.map((collection) => new CollectionStream({ collection, ...parts }));
	}

	/** Resolves when all streams are open. */
	async start(): Promise<void> {
		await Promise.all(this.#streams.map(({ opened }) => opened));
	}

	/** A time, in ms since 1970: all writes before it have been reported. */
	get reportedUntil(): number {
		return Math.min(...this.#streams.map(({ reportedUntil }) => reportedUntil));
	}

	async close(): Promise<void> {
		await Promise.all(this.#streams.map((stream) => stream.close()));
	}
}

/**
 * Tests whether a server has change streams, by opening one.
 * @returns the reason why it has none; undefined if it has them
 * @throws if the server does not answer
 */
export async function whyNoChangeStreams(database: WatchedDatabase, collection: string): Promise<string | undefined> {
	let cursor: ChangeCursor | undefined;
	try {
		await new Promise<void>((resolve, reject) => {
			cursor = database.openStream(collection, { lookup: false, onOpen: resolve });
			cursor.tryNext().then(() => resolve(), reject);
		});
		return undefined;
	} catch (error) {
		if (database.isUnavailable(error)) throw error;
		return reasonOf(error);
	} finally {
		await cursor?.close().catch(() => {});
	}
}
