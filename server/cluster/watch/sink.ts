/** The interface through which the watcher reports to the rest of the server. */
import type { WriteReport } from '../changedElsewhere.js';

/** A collection that is watched. */
export interface WatchedCollection {
	/** Its key in the store, such as `rooms`. */
	readonly key: string;
	/** Its name in the database, such as `rocketchat_room`. */
	readonly name: string;
}

/** Receives what other programs have written. */
export interface WatchSink {
	/** A document was written. It may be reported more than once. */
	report(key: string, id: string, reported?: WriteReport): void;
	/** Writes of a collection may have been missed, so its observed documents must be read again. */
	refreshCollection(key: string): void;
}
