/** What others write to the same data, processes of this service and other programs, and how a server learns of it. */
import { type ChangedElsewhere, createChangedElsewhere } from './cluster/changedElsewhere.js';
import type { Link } from './cluster/link.js';
import { type JoinedParts, joinProcesses } from './joinProcesses.js';
import { createLookAgain } from './lookAgain.js';
import type { OpenStore } from './store/collections.js';

export interface OtherWriters {
	/** Receives which documents others have written. It is made when it is first used. */
	readonly changedElsewhere: ChangedElsewhere;
	/**
	 * Reads again what is observed of a collection, because writes of others may have been missed.
	 * @param collection a key of the store
	 */
	lookAgain(collection: string): void;
	/** Resolves when what other processes may have changed has been looked up. */
	caughtUp(): Promise<void>;
	/** Leaves the other processes. */
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
	let made: ChangedElsewhere | undefined;
	const changedElsewhere = () => {
		const onOverflow = () => void cluster?.lookAgain();
		made ??= createChangedElsewhere({ store, onChange, bus, log, onOverflow });
		return made;
	};
	const cluster = link && joinProcesses({ ...parts, link, changedElsewhere: changedElsewhere() });
	return {
		get changedElsewhere() {
			return changedElsewhere();
		},
		lookAgain: createLookAgain({ store, bus, log, changedElsewhere, reauthorizeAll: () => hub.reauthorizeAll() }),
		caughtUp: async () => cluster?.settled(),
		async close() {
			await cluster?.close();
			await made?.close();
		},
	};
}
