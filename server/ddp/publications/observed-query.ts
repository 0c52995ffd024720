/** One distinct live query: its last result, shared by all its subscribers. */
import { isSame } from '../../../shared/ejson.js';
import type { LiveQuery } from '../../../shared/publication.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { compile, type Matcher } from '../../query/match.js';
import { projector } from '../../query/projection.js';

export type Fields = Record<string, unknown>;
export type Document = { readonly _id: string } & Fields;

/** How a document in the result has changed. */
export interface Difference {
	/** Its former fields: the object that subscribers received last. */
	readonly before: Fields;
	/** The fields that differ; undefined means a removed field. */
	readonly changes: Fields;
}

/** Receives changes of documents. The fields are shared and must not be changed. */
export interface QuerySubscriber {
	/**
	 * @param difference undefined: the document is new in the result
	 * @param isRead whether the document was read individually after a write
	 */
	onDocument(id: string, fields: Fields, difference: Difference | undefined, isRead: boolean): void;
	/** @param wasInResult false: only an initial result that is still being read may contain it */
	onRemoved(id: string, wasInResult: boolean): void;
	/** A change could not be read, so the published result would be outdated. */
	onFailure(error: unknown): void;
}

/** An equality condition on a field, used as an index of queries. */
export interface Selector {
	readonly path: readonly string[];
	readonly values: readonly string[];
}

/** Bounds of a field, inclusive: numbers, or dates in ms. */
export interface Range {
	readonly path: readonly string[];
	readonly min: number;
	readonly max: number;
}

export class ObservedQuery {
	readonly matches: Matcher;
	/** Ids in the query's filter; undefined: any document may match. */
	readonly ids: readonly string[] | undefined;
	readonly selector: Selector | undefined;
	/** If there is neither. */
	readonly range: Range | undefined;
	readonly #project: (document: Document) => Fields;
	/** The last read fields of each matching document, by id; the fields alone if the query names one id. */
	#result: Map<string, Fields> | Fields | undefined;
	#subscribers: CompactSet<QuerySubscriber>;

	constructor(
		/** Identifies it among the queries on its collection. */
		readonly key: string,
		{ filter, projection }: LiveQuery,
	) {
		const conditions = filter as Fields;
		this.matches = compile(conditions);
		this.#project = projector(projection) as (document: Document) => Fields;
		this.ids = stringsIn(conditions._id);
		this.selector = this.ids ? undefined : selectorOf(conditions);
		this.range = this.ids || this.selector ? undefined : rangeOf(conditions);
	}

	get subscribers(): Iterable<QuerySubscriber> {
		return membersOf(this.#subscribers);
	}

	get isUsed(): boolean {
		return this.#subscribers !== undefined;
	}

	subscribe(subscriber: QuerySubscriber): void {
		this.#subscribers = addMember(this.#subscribers, subscriber);
	}

	unsubscribe(subscriber: QuerySubscriber): void {
		this.#subscribers = removeMember(this.#subscribers, subscriber);
	}

	/** Ids of the matching documents that have been read. */
	get resultIds(): Iterable<string> {
		if (this.#result instanceof Map) return this.#result.keys();
		return this.#result ? (this.ids as readonly string[]) : [];
	}

	hasResult(id: string): boolean {
		return this.#resultOf(id) !== undefined;
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
	record(id: string, fields: Fields, reader?: QuerySubscriber): Fields {
		const before = this.#resultOf(id);
		const difference = before && { before, changes: differenceOf(before, fields) };
		const isChanged = !difference || Object.keys(difference.changes).length > 0;
		const now = isChanged ? fields : (before as Fields);
		if (isChanged) this.#setResult(id, fields);
		if (isChanged || !reader)
			for (const subscriber of this.subscribers)
				if (subscriber !== reader) subscriber.onDocument(id, now, difference, !reader);
		return now;
	}

	/** A document does not match any more, or was removed. */
	drop(id: string): void {
		const wasInResult = this.hasResult(id);
		if (this.#result instanceof Map) this.#result.delete(id);
		else if (wasInResult) this.#result = undefined;
		for (const subscriber of this.subscribers) subscriber.onRemoved(id, wasInResult);
	}

	#resultOf(id: string): Fields | undefined {
		if (this.#result instanceof Map) return this.#result.get(id);
		return this.ids?.[0] === id ? this.#result : undefined;
	}

	/** An idle connection has a query for one id, its user's. Measured: a Map with one entry takes 219 bytes. */
	#setResult(id: string, fields: Fields): void {
		if (this.ids?.length === 1) this.#result = fields;
		else if (this.#result instanceof Map) this.#result.set(id, fields);
		else this.#result = new Map([[id, fields]]);
	}
}

function selectorOf(filter: Fields): Selector | undefined {
	for (const [field, condition] of Object.entries(filter)) {
		const values = field.startsWith('$') ? undefined : stringsIn(condition);
		if (values) return { path: field.split('.'), values };
	}
	return undefined;
}

function rangeOf(filter: Fields): Range | undefined {
	for (const [field, condition] of Object.entries(filter)) {
		const { $gt, $gte = $gt, $lt, $lte = $lt } = (condition ?? {}) as Record<string, unknown>;
		const [min, max] = [numberOf($gte), numberOf($lte)];
		if (field.startsWith('$') || (min === undefined && max === undefined)) continue;
		return { path: field.split('.'), min: min ?? Number.NEGATIVE_INFINITY, max: max ?? Number.POSITIVE_INFINITY };
	}
	return undefined;
}

/** A number, or a date in ms. */
export function numberOf(value: unknown): number | undefined {
	if (value instanceof Date) return value.getTime();
	return typeof value === 'number' ? value : undefined;
}

/** The strings that a condition allows for a field, if it lists them. */
function stringsIn(condition: unknown): readonly string[] | undefined {
	if (typeof condition === 'string') return [condition];
	const { $eq, $in } = (condition ?? {}) as { $eq?: unknown; $in?: unknown };
	if (typeof $eq === 'string') return [$eq];
	return Array.isArray($in) && $in.every((value) => typeof value === 'string') ? [...new Set($in)] : undefined;
}

/** The changed fields; undefined means a removed field. */
function differenceOf(before: Fields, now: Fields): Fields {
	const changes: Fields = {};
	for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(now))
		if (!Object.hasOwn(before, name) || !isSame(before[name], value)) changes[name] = value;
	return changes;
}
