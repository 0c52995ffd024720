/** The catalogue of a server: everything it offers its clients. */
import type { RateMessage, RateRule } from '../shared/limit.js';
import type { Log } from '../shared/log.js';
import type { Connection, Method } from '../shared/method.js';
import type { Publication } from '../shared/publication.js';
import type { Stream } from '../shared/stream.js';
import type { Strategy } from './ddp/publications/mergebox.js';
import type { Publications } from './ddp/publications/subscriptions.js';

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
	/** Rate limit rules in addition to those in definitions. An event is counted by all matching rules. Default: none. */
	readonly limits?: readonly RateRule[];
	/** Error text for rate limits without a message in their rule. Default: Meteor's text. */
	readonly limitMessage?: RateMessage;
	/**
	 * Called in order for every client that has connected. A listener may close the connection. Asynchronous listeners are
	 * not awaited.
	 */
	readonly onConnection?: readonly ((connection: Connection) => void | Promise<void>)[];
	/**
	 * Publication strategy of each collection, by its name in DDP: how much the server remembers of the documents that a
	 * client has. Default SERVER_MERGE.
	 */
	readonly strategies?: Readonly<Record<string, Strategy>>;
}

/** What an application offers, with accounts and the key service as it wishes. */
export async function catalogueOf(
	own: Partial<Catalogue> & { readonly accounts?: boolean; readonly keys?: boolean },
): Promise<Catalogue> {
	const { accounts = true, keys = false } = own;
	const parts: Partial<Catalogue>[] = [
		...(accounts ? [await import('../methods/accounts/index.js')] : []),
		...(keys ? [(await import('../methods/index.js')).keyService] : []),
		own,
	];
	const all = <K extends 'methods' | 'publications' | 'streams' | 'limits'>(key: K) =>
		parts.flatMap((part) => (part[key] ?? []) as readonly NonNullable<Catalogue[K]>[number][]);
	return {
		...own,
		methods: all('methods'),
		publications: all('publications'),
		streams: all('streams'),
		limits: all('limits'),
	};
}

/**
 * Indexes publications by name.
 * @throws Error if two have one name
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
 * Combines the listeners for connections into one. Errors of a listener are logged, and the other listeners are still
 * called. Undefined if there are none.
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
