/** Makes a server notice writes to its data by other processes of the service, and by other programs. */
import { type ChangedElsewhere, createChangedElsewhere } from '../cluster/changedElsewhere.js';
import type { Link } from '../cluster/link.js';
import type { OpenStore } from '../store/collections.js';
import { type JoinedParts, joinProcesses } from './joinProcesses.js';
import { createCollectionRefresher } from './refreshCollection.js';

export interface OtherWriters {
	/** Receives the ids of documents that others have written. Created at its first use. */
	readonly changedElsewhere: ChangedElsewhere;
	/**
	 * Refreshes what clients observe of a collection, because writes of others may have been missed.
	 * @param collection a key of the store
	 */
	refreshCollection(collection: string): void;
	/** Resolves when all documents whose changes by other processes may have been missed are read again. */
	caughtUp(): Promise<void>;
	/** Ends the connection with the other processes, and begins no further refresh. */
	close(): Promise<void>;
}

export interface OtherWritersParts extends Omit<JoinedParts, 'link' | 'changedElsewhere'> {
	readonly onChange: OpenStore['onChange'];
	/** Undefined: there are no other processes. */
	readonly link: Link | undefined;
}

/** Joins the other processes, if there are any. */
export function followOtherWriters({ onChange, link, ...parts }: OtherWritersParts): OtherWriters {
	const { store, bus, log, hub } = parts;
	const closing = new AbortController();
	let created: ChangedElsewhere | undefined;
	const getChangedElsewhere = () => {
		// Too many documents were reported, so everything is read again.
		const onOverflow = () => void cluster?.catchUpAfterOverflow();
		created ??= createChangedElsewhere({ store, onChange, bus, log, onOverflow });
		return created;
	};
	const cluster = link && joinProcesses({ ...parts, link, changedElsewhere: getChangedElsewhere() });
	return {
		get changedElsewhere() {
			return getChangedElsewhere();
		},
		refreshCollection: createCollectionRefresher({
			store,
			bus,
			log,
			changedElsewhere: getChangedElsewhere,
			reauthorizeAll: () => hub.reauthorizeAll(),
			closing: closing.signal,
		}),
		caughtUp: async () => cluster?.settled(),
		async close() {
			closing.abort();
			await cluster?.close();
			await created?.close();
		},
	};
}
