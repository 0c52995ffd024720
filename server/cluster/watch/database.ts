/** How `watcher.ts` reads the database. Answers of type `unknown` are not checked yet. */

/** The changes of one collection, as the driver's `ChangeStream` gives them. */
export interface ChangeCursor {
	/** The next event, or null if there was none for about a second. Some servers answer null at once. */
	tryNext(): Promise<unknown>;
	/** The position after the last event. Undefined or null: unknown. */
	readonly resumeToken: unknown;
	close(): Promise<void>;
}

export interface StreamOptions {
	/** The `resumeToken` from which to continue. Absent: the stream begins now. */
	readonly resumeAfter?: unknown;
	/** Whether the server looks up the document of an update. Some servers send its id only then. */
	readonly lookup: boolean;
	/** Called when the stream is open. From then on it misses no write. Some servers never report the opening. */
	onOpen(): void;
}

/** Selects documents whose date in a field is not before `since`. */
export interface DatedQuery {
	readonly collection: string;
	readonly field: string;
	readonly since: Date;
	/** The fields to read besides `_id` and the date. */
	readonly fields?: readonly string[];
}

export interface WatchedDatabase {
	openStream(collection: string, options: StreamOptions): ChangeCursor;
	/** The selected documents, the oldest date first. */
	dated(query: DatedQuery): AsyncIterable<unknown>;
	/** The document with the newest date that is not after `until`; null if there is none. */
	newest(collection: string, field: string, until: Date): Promise<unknown>;
	/** The ids whose documents still exist. */
	existing(collection: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
	/** The records of these removed documents in Rocket.Chat's collection `rocketchat__trash`. */
	trashed(ids: readonly string[], fields: readonly string[]): Promise<readonly unknown[]>;
	/** An estimate of the number of documents. */
	count(collection: string): Promise<number>;
	/** Whether an index has this field as its first one. */
	hasIndex(collection: string, field: string): Promise<boolean>;
	readonly makesIndexes: boolean;
	createIndex(collection: string, field: string): Promise<void>;
	/** Whether an error means that the database does not answer at present. */
	isUnavailable(error: unknown): boolean;
}
