/** Publications (`test/contract/ddp.md` section 10): what a client sees of the data as long as it is subscribed. */
import type { Limit } from './limit.js';
import { type Args, type CallContext, DEFAULT_TIMEOUT, type Method, type Patterns } from './method.js';
import { compileKeys } from './pattern.js';
import { collectionNames, type DocumentOf, type Filter, type Projection, type Store } from './store.js';

/** What a publish function is given. Nothing it does has an effect once the subscription has stopped. */
export interface PublicationContext extends CallContext {
	/** Shows a document. */
	added(collection: string, id: unknown, fields: Record<string, unknown>): void;
	/** Shows other values; undefined takes a field away. @throws Error where this subscription does not show the document */
	changed(collection: string, id: unknown, fields: Record<string, unknown>): void;
	/** Takes a document away. @throws Error where this subscription does not show it */
	removed(collection: string, id: unknown): void;
	/** Says that everything there is was shown. Only the first call counts. */
	ready(): void;
	/** Ends the subscription with an error; without one, as `stop`. */
	error(error?: unknown): void;
	/** Ends the subscription. */
	stop(): void;
	/** Calls `listener` when the subscription ends, for whatever reason; at once if it has. Nobody waits for it. */
	onStop(listener: () => void | Promise<void>): void;
	/** Calls a method as the subscription's user, on its connection. Its errors come through as they are. */
	call(name: string, ...args: unknown[]): Promise<unknown>;
}

/** The documents of a collection that match, shown and kept up to date as long as the subscription lasts. */
export class LiveQuery<C extends keyof Store = keyof Store> {
	/** Name of the collection on the wire. */
	readonly name: string;

	constructor(
		readonly collection: C,
		readonly filter: Filter<DocumentOf<C>>,
		readonly projection: Projection,
		name?: string,
	) {
		this.name = name ?? collectionNames[collection];
	}
}

/**
 * Says what a publication shows; return it from `run`, alone or in an array.
 * @param fields must name what may be seen: whatever it does not name stays in the store
 * @param options.name another name for the collection on the wire
 */
export function liveQuery<C extends keyof Store>(
	collection: C,
	filter: Filter<DocumentOf<C>>,
	fields: { readonly [field: string]: 1 },
	options: { name?: string } = {},
): LiveQuery<C> {
	return new LiveQuery(collection, filter, fields, options.name);
}

export interface PublicationDefinition<P extends Patterns, Anonymous extends boolean> {
	/** Name on the wire; null for a universal publication, which every client gets without asking. */
	name: string | null;
	/** A pattern for each parameter, in their order. */
	args: P;
	/** One line for people. */
	summary: string;
	/** True: clients who are not logged in may subscribe too. Others get `error-invalid-user`. Default false. */
	anonymous?: Anonymous;
	/**
	 * How long `run`, and the first reading of what it returns, may take, in ms, until the subscription ends with
	 * `error-timeout`. Waiting for a client that is slow to read does not count. Default 30,000.
	 */
	timeout?: number;
	/**
	 * How often one caller may subscribe to it: a user, or an address where nobody is logged in. Default: as often as they
	 * like; a universal publication is not counted.
	 */
	limit?: Limit;
	/**
	 * Shows documents by the context, or returns live queries. Without either it must call `ready` itself. What it
	 * throws ends the subscription.
	 */
	run(
		args: Args<P>,
		context: PublicationContext & { readonly userId: Anonymous extends true ? string | null : string },
	): unknown;
}

/** A publication as everything after its definition sees it. */
export interface Publication extends Pick<Method, 'args' | 'anonymous' | 'limit' | 'summary' | 'timeout'> {
	readonly name: string | null;
	run(args: Record<string, unknown>, context: PublicationContext): unknown;
}

/** Defines a publication. Types of `run` follow from `args`. */
export function publication<const P extends Patterns, const Anonymous extends boolean = false>(
	definition: PublicationDefinition<P, Anonymous>,
): Publication {
	const { name, summary, anonymous = false, timeout = DEFAULT_TIMEOUT, limit, args, run } = definition;
	return Object.freeze({
		name,
		summary,
		anonymous,
		timeout,
		limit,
		args: [...compileKeys(args)],
		run: run as unknown as Publication['run'],
	});
}
