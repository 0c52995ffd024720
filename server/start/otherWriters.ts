/** Makes a server notice writes to its data by other processes of the service, and by other programs. */

import type { Log } from '../../shared/log.js';
import { createCatchUp } from '../cluster/catchUp.js';
import { type ChangedElsewhere, createChangedElsewhere } from '../cluster/changedElsewhere.js';
import { joinCluster } from '../cluster/cluster.js';
import type { Link } from '../cluster/link.js';
import type { Ops } from '../ops/ops.js';
import type { OpenStore } from '../store/collections.js';
import { type CatchUpParts, catchUpSteps } from './catchUpSteps.js';
import { createCollectionRefresher } from './refreshCollection.js';

export interface OtherWriters {
	/** Receives the ids of documents that others have written. Created at its first use. */
	readonly changedElsewhere: ChangedElsewhere;
	/**
	 * Refreshes what clients observe of a collection, because writes of others may have been missed.
	 * @param collection a key of the store
	 */
	refreshCollection(collection: string): void;
	/** Resolves when no catch-up (`server/cluster/catchUp.ts`) is running. */
	caughtUp(): Promise<void>;
	/** Ends the connection with the other processes, and begins no further refresh. */
	close(): Promise<void>;
}

export interface OtherWritersParts extends Omit<CatchUpParts, 'changedElsewhere'> {
	readonly log: Log;
	readonly ops?: Ops | undefined;
	readonly onChange: OpenStore['onChange'];
	/** Undefined: there are no other processes. */
	readonly link: Link | undefined;
}

/** Joins the other processes, if there are any. */
export function followOtherWriters({ onChange, link, log, ops, ...parts }: OtherWritersParts): OtherWriters {
	const { store, bus, hub, tokenWatcher } = parts;
	const closing = new AbortController();
	let created: ChangedElsewhere | undefined;
	const getChangedElsewhere = () => {
		// Too many documents were reported, so everything is read again. This can happen without a cluster, by other
		// programs. A cluster also counts the catch-up, and shows it in the health.
		const onOverflow = (since: number) => (cluster ? cluster.catchUpAfterOverflow(since) : void catchUp.request(since));
		created ??= createChangedElsewhere({ store, onChange, bus, log, onOverflow });
		return created;
	};
	const catchUp = createCatchUp(catchUpSteps({ ...parts, changedElsewhere: getChangedElsewhere }), log);
	const cluster =
		link &&
		joinCluster({
			link,
			bus,
			changedElsewhere: getChangedElsewhere(),
			catchUp,
			checkTokens: tokenWatcher.checkUser,
			health: ops?.busHealth,
			counts: ops?.cluster,
			log,
		});
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
		caughtUp: catchUp.settled,
		async close() {
			closing.abort();
			// First, because a catch-up may wait for documents that cannot be read at present.
			await created?.close();
			await cluster?.close();
			await catchUp.close();
		},
	};
}
