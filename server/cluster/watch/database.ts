/** The database as the watcher reads it. What it answers is not yet checked. */

/** The changes of one collection, as the driver's `ChangeStream` gives them. */
export interface ChangeCursor {
	/** The next event, or null if there was none for about a second. */
	tryNext(): Promise<unknown>;
	/** Where to go on after the last event. Undefined or null: unknown. */
	readonly resumeToken: unknown;
	close(): Promise<void>;
}

export interface StreamOptions {
	/** Where to begin. Absent: now. */
	readonly resumeAfter?: unknown;
	/** Whether the server adds the document to an event of an update. Only for servers that do not name its id. */
	readonly lookup: boolean;
	/** Called when the server has opened the stream: later writes are not missed. Not every server says so. */
	onOpen(): void;
}

/** Which documents to read: those whose date in a field is not before `since`. */
export interface DatedQuery {
	readonly collection: string;
	readonly field: string;
	readonly since: Date;
	/** The fields to read, beside `_id` and the date. */
	readonly fields?: readonly string[];
}

export interface WatchedDatabase {
	openStream(collection: string, options: StreamOptions): ChangeCursor;
	/** The documents, the oldest date first. */
	dated(query: DatedQuery): AsyncIterable<unknown>;
	/** The document with the newest date in a field that is not after `until`; null if there is none. */
	newest(collection: string, field: string, until: Date): Promise<unknown>;
	/** The ids that are still there. */
	existing(collection: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
	/** The records of removed documents with these ids. */
	trashed(ids: readonly string[], fields: readonly string[]): Promise<readonly unknown[]>;
	/** About how many documents there are. */
	count(collection: string): Promise<number>;
	/** Whether an index begins with a field. */
	hasIndex(collection: string, field: string): Promise<boolean>;
	createIndex(collection: string, field: string): Promise<void>;
	/** Whether an error means that the database does not answer at present. */
	isUnavailable(error: unknown): boolean;
}
