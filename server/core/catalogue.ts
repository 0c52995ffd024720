/** What a server offers its clients. */
import type { RateMessage, RateRule } from '../../shared/limit.js';
import type { Log } from '../../shared/log.js';
import type { Connection, Method } from '../../shared/method.js';
import type { Publication } from '../../shared/publication.js';
import type { Stream } from '../../shared/stream.js';
import type { Strategy } from '../ddp/publications/mergebox.js';
import type { Publications } from '../ddp/publications/subscriptions.js';

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
	/** How often who may call or subscribe to what, beside the limits in definitions. All that match are counted. Default none. */
	readonly limits?: readonly RateRule[];
	/** What those are told whom a limit refuses, unless its rule has a message of its own. Default: Meteor's sentence. */
	readonly limitMessage?: RateMessage;
	/**
	 * Called in order for every client that has connected; one that closes the connection ends it there and then. Nobody
	 * waits for one that goes on asynchronously.
	 */
	readonly onConnection?: readonly ((connection: Connection) => void | Promise<void>)[];
	/** How much is remembered of what clients were shown, by name of the collection on the wire. Default SERVER_MERGE. */
	readonly strategies?: Readonly<Record<string, Strategy>>;
}

/**
 * Puts publications in order.
 * @throws Error where two have one name
 */
export function publicationsOf(
	all: readonly Publication[],
	strategies: Readonly<Record<string, Strategy>> = {},
): Publications {
	const named = new Map<string, Publication>();
	const universal: Publication[] = [];
	for (const publication of all) {
		if (publication.name === null) universal.push(publication);
		else if (named.has(publication.name)) throw new Error(`There are two publications named '${publication.name}'`);
		else named.set(publication.name, publication);
	}
	const strategyByName = new Map(Object.entries(strategies));
	return { named, universal, strategyOf: (collection) => strategyByName.get(collection) ?? 'SERVER_MERGE' };
}

/**
 * Makes one callback of many, if there are any; what one throws, be it later, is logged, and the others are called all the
 * same.
 */
export function connectionListener(
	{ onConnection = [] }: Catalogue,
	log: Log,
): ((connection: Connection) => void) | undefined {
	if (onConnection.length === 0) return undefined;
	const failed = (err: unknown) => log.error({ err }, 'Exception in an onConnection callback');
	return (connection) => {
		for (const listener of onConnection) {
			try {
				listener(connection)?.catch(failed);
			} catch (err) {
				failed(err);
			}
		}
	};
}
