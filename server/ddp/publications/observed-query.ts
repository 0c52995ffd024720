/** One distinct live query: its last result, shared by all its subscribers. */
import { isSame } from '../../../shared/ejson.js';
import type { LiveQuery } from '../../../shared/publication.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { compile, type Matcher } from '../../query/match.js';
import { projector } from '../../query/projection.js';
import { reach } from '../../query/reach.js';

export type Fields = Record<string, unknown>;
export type Document = { readonly _id: string } & Fields;

/** Receives changes of documents. The fields are shared and must not be changed. */
export interface QuerySubscriber {
	/**
	 * @param changes the fields that differ from the last result; undefined: the document is new
	 * @param isRead whether the document was read individually after a write
	 */
	onDocument(id: string, fields: Fields, changes: Fields | undefined, isRead: boolean): void;
	onGone(id: string, wasKnown: boolean): void;
	/** A change could not be read, so the published result would be outdated. */
	onFailure(error: unknown): void;
}

/** An equality condition on a field, used as an index of queries. */
export interface Selector {
	readonly path: readonly string[];
	readonly values: readonly string[];
}

export class ObservedQuery {
	readonly matches: Matcher;
	/** Ids in the query's filter; undefined: any document may match. */
	readonly ids: readonly string[] | undefined;
	readonly selector: Selector | undefined;
	readonly #project: (document: Document) => Fields;
	/** The last read state of each matching document, by id; a query for one id needs no Map. */
	#known: Map<string, Fields> | Fields | undefined;
	#subscribers: CompactSet<QuerySubscriber>;

	constructor(
		/** Identifies it among the queries on its collection. */
		readonly key: string,
		{ filter, projection }: LiveQuery,
	) {
		const conditions = filter as Fields;
		this.matches = compile(conditions);
		this.#project = projector(projection) as (document: Document) => Fields;
		this.ids = valuesAsked(conditions._id);
		this.selector = this.ids ? undefined : selectorOf(conditions);
	}

	get subscribers(): Iterable<QuerySubscriber> {
		return membersOf(this.#subscribers);
	}

	get isUsed(): boolean {
		return this.#subscribers !== undefined;
	}

	join(subscriber: QuerySubscriber): void {
		this.#subscribers = addMember(this.#subscribers, subscriber);
	}

	leave(subscriber: QuerySubscriber): void {
		this.#subscribers = removeMember(this.#subscribers, subscriber);
	}

	/** Ids of the matching documents that have been read. */
	get knownIds(): Iterable<string> {
		if (this.#known instanceof Map) return this.#known.keys();
		return this.#known ? (this.ids as readonly string[]) : [];
	}

	known(id: string): Fields | undefined {
		return this.#known instanceof Map ? this.#known.get(id) : this.isOnly(id) ? this.#known : undefined;
	}

	/** The fields of a document that subscribers receive. */
	fieldsOf(document: Document): Fields {
		const { _id, ...fields } = this.#project(document);
		return fields;
	}

	/**
	 * Records the read state of a document and notifies the subscribers.
	 *
	 * @param reader the subscriber whose initial result contains it, and who publishes it itself; undefined after a write
	 * @returns the fields to publish, the same object for all subscribers
	 */
	note(id: string, fields: Fields, reader?: QuerySubscriber): Fields {
		const before = this.known(id);
		const changes = before && differenceOf(before, fields);
		const isNew = !before || Object.keys(changes as Fields).length > 0;
		const now = isNew ? fields : before;
		if (isNew) this.#set(id, fields);
		if (isNew || !reader)
			for (const subscriber of this.subscribers)
				if (subscriber !== reader) subscriber.onDocument(id, now, changes, !reader);
		return now;
	}

	/** A document does not match any more, or was removed. */
	drop(id: string): void {
		const wasKnown = this.known(id) !== undefined;
		if (this.#known instanceof Map) this.#known.delete(id);
		else if (wasKnown) this.#known = undefined;
		for (const subscriber of this.subscribers) subscriber.onGone(id, wasKnown);
	}

	#set(id: string, fields: Fields): void {
		if (this.isOnly(id)) this.#known = fields;
		else if (this.#known instanceof Map) this.#known.set(id, fields);
		else this.#known = new Map([[id, fields]]);
	}

	private isOnly(id: string): boolean {
		return this.ids?.length === 1 && this.ids[0] === id;
	}
}

function selectorOf(filter: Fields): Selector | undefined {
	for (const [field, condition] of Object.entries(filter)) {
		const values = field.startsWith('$') ? undefined : valuesAsked(condition);
		if (values) return { path: field.split('.'), values };
	}
	return undefined;
}

/** The strings that a condition allows for a field, if it lists them. */
function valuesAsked(condition: unknown): readonly string[] | undefined {
	if (typeof condition === 'string') return [condition];
	const { $eq, $in } = (condition ?? {}) as { $eq?: unknown; $in?: unknown };
	if (typeof $eq === 'string') return [$eq];
	return Array.isArray($in) && $in.every((value) => typeof value === 'string') ? [...new Set($in)] : undefined;
}

/** The strings that a document contains at a path. */
export function valuesAt(document: Document, path: readonly string[]): Set<string> {
	const values = reach(document, path).flat();
	return new Set(values.filter((value) => typeof value === 'string'));
}

/** The changed fields; undefined means a removed field. */
function differenceOf(before: Fields, now: Fields): Fields {
	const changes: Fields = {};
	for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(now))
		if (!Object.hasOwn(before, name) || !isSame(before[name], value)) changes[name] = value;
	return changes;
}
