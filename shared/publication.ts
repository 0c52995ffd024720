/** Publications (`test/contract/ddp.md` section 10): data that a client receives while it is subscribed. */
import type { CollectionDefinition } from './collections.js';
import { checkDefinition, DefinitionError, type MemberRules, required, rules } from './definition.js';
import { isObject } from './isObject.js';
import type { Limit } from './limit.js';
import type { AnyMatcher } from './matcher.js';
import { type Args, type CallContext, DEFAULT_TIMEOUT, type Method, type Patterns } from './method.js';
import { compileKeys } from './pattern.js';
import { collectionNames, type DocumentOf, type Filter, type Projection, type Store } from './store.js';
import { isFields } from './values.js';

/** The context of a publish function. After the end of the subscription, publishing has no effect. */
export interface PublicationContext extends CallContext {
	added(collection: string, id: unknown, fields: Record<string, unknown>): void;
	/** Undefined removes a field. @throws Error if this subscription has not added the document */
	changed(collection: string, id: unknown, fields: Record<string, unknown>): void;
	/** @throws Error if this subscription has not added the document */
	removed(collection: string, id: unknown): void;
	/** Marks the initial result as complete. Only the first call has an effect. */
	ready(): void;
	/** Ends the subscription with an error. Without an argument the same as `stop`. */
	error(error?: unknown): void;
	stop(): void;
	/** Calls `listener` when the subscription ends, or immediately if it has ended. Not awaited. */
	onStop(listener: () => void | Promise<void>): void;
	/** Calls a method as the subscription's user, on its connection. */
	call(name: string, ...args: unknown[]): Promise<unknown>;
}

/** A query whose documents, and their changes, are published until the subscription ends. */
export class LiveQuery<C extends keyof Store = keyof Store> {
	/** Number of live queries made so far. It shows `returned-queries.ts` whether a publish function has made one. */
	static count = 0;

	/** Name of the collection in DDP. */
	readonly name: string;

	constructor(
		readonly collection: C,
		readonly filter: Filter<DocumentOf<C>>,
		readonly projection: Projection,
		name?: string,
	) {
		this.name = name ?? collectionNames[collection];
		LiveQuery.count++;
	}
}

/**
 * Creates a live query. Return it from `run`, alone or in an array.
 * @param fields the fields to publish; all others stay in the store
 * @param options.name another name of the collection in DDP
 * @throws DefinitionError for an unknown collection, and without a filter or fields
 */
export function liveQuery<C extends keyof Store>(
	collection: C,
	filter: Filter<DocumentOf<C>>,
	fields: FieldsOf<DocumentOf<C>>,
	options?: { name?: string },
): LiveQuery<C>;
export function liveQuery<T extends { _id: string }>(
	collection: CollectionDefinition<T>,
	filter: Filter<T>,
	fields: FieldsOf<T>,
	options?: { name?: string },
): LiveQuery;
export function liveQuery(
	collection: keyof Store | CollectionDefinition,
	filter: object,
	fields: object,
	options: { name?: string } = {},
): LiveQuery {
	const isBuiltIn = typeof collection === 'string';
	const isCollection = isBuiltIn ? Object.hasOwn(collectionNames, collection) : typeof collection?.key === 'string';
	if (!isCollection) {
		throw new DefinitionError('A live query needs what collection() returns, or the name of a collection of Roomkey');
	}
	const shownName = isBuiltIn ? collection : collection.name;
	if (!isObject(filter))
		throw new DefinitionError(`A live query of '${shownName}' needs a filter; {} is every document`);
	if (!isObject(fields) || !Object.values(fields).every((value) => value === 1) || Object.keys(fields).length === 0) {
		throw new DefinitionError(
			`A live query of '${shownName}' needs the fields that clients may see, such as { text: 1 }`,
		);
	}
	checkDefinition('live query', options, { name: rules.name }, shownName);
	const { name } = options;
	// The caller may change its objects before the query is read.
	const [ownFilter, projection] = [copyFilter(filter) as object, { ...fields } as Projection];
	if (isBuiltIn) return new LiveQuery(collection, ownFilter, projection, name);
	// `Store` does not list the keys of declared collections.
	return new LiveQuery(collection.key as unknown as keyof Store, ownFilter, projection, name ?? collection.name);
}

/** Copies objects, lists and dates. A RegExp, and values that the store will refuse, are returned as they are. */
function copyFilter(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(copyFilter);
	if (value instanceof Date) return new Date(value);
	if (!isFields(value)) return value;
	return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyFilter(member)]));
}

/** The fields that clients may see, also within objects: `services.email`. */
type FieldsOf<T> = { readonly [K in keyof T & string]?: 1 } & {
	readonly [path: `${string}.${string}`]: 1;
};

/** Meteor's publication strategies: how much the server remembers of a client's documents. */
export const STRATEGIES = ['SERVER_MERGE', 'NO_MERGE_MULTI', 'NO_MERGE', 'NO_MERGE_NO_HISTORY'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface PublicationDefinition<P extends Patterns, Anonymous extends boolean> {
	/** Name in DDP; null for a universal publication, which every client receives without subscribing. */
	name: string | null;
	/** A pattern for each parameter, in order. */
	args: P;
	summary: string;
	/**
	 * Patterns of the documents, by the name of the collection in DDP. Only for the documentation. Default: unknown.
	 */
	documents?: Patterns;
	/** True: clients who are not logged in may subscribe too. Default false: they get `error-invalid-user`. */
	anonymous?: Anonymous;
	/**
	 * Time limit of `run` and the initial read of its live queries, in ms. After it the subscription ends with
	 * `error-timeout`. Waiting for a slow client does not count. Default 30,000.
	 */
	timeout?: number;
	/**
	 * How often one user may subscribe, or one address without a login. Default: unlimited. A universal publication is
	 * always unlimited.
	 */
	limit?: Limit;
	/**
	 * Publishes through the context, or returns live queries. Without live queries it must call `ready`. A warning is
	 * logged if `ready` is not called within `timeout` after the end of `run`. An error ends the subscription.
	 */
	run(
		args: Args<P>,
		context: PublicationContext & { readonly userId: Anonymous extends true ? string | null : string },
	): unknown;
}

/** A defined publication, without its argument types. */
export interface Publication extends Pick<Method, 'args' | 'anonymous' | 'limit' | 'summary' | 'timeout'> {
	readonly name: string | null;
	readonly documents: ReadonlyMap<string, AnyMatcher> | undefined;
	run(args: Record<string, unknown>, context: PublicationContext): unknown;
}

const MEMBERS: MemberRules<keyof PublicationDefinition<Patterns, boolean>> = {
	name: required({
		form: 'a text that is not empty, or null',
		accepts: (value) => value === null || rules.name.accepts(value),
	}),
	args: required(rules.patterns),
	summary: required(rules.text),
	documents: rules.patterns,
	anonymous: rules.flag,
	timeout: rules.timeout,
	limit: rules.limit,
	run: required(rules.function),
};

/** Defines a publication. @throws DefinitionError */
export function publication<const P extends Patterns, const Anonymous extends boolean = false>(
	definition: PublicationDefinition<P, Anonymous>,
): Publication {
	checkDefinition('publication', definition, MEMBERS);
	const { name, summary, anonymous = false, timeout = DEFAULT_TIMEOUT, limit, documents, args, run } = definition;
	return Object.freeze({
		name,
		summary,
		anonymous,
		timeout,
		limit,
		documents: documents && compileKeys(documents),
		args: [...compileKeys(args)],
		run: run as unknown as Publication['run'],
	});
}
