/** A live query and its last result, which all its subscribers share. */

import type { LiveQuery } from '../../../shared/publication.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { allowedValues } from '../../query/allowedValues.js';
import { compile, type Matcher } from '../../query/match.js';
import { projector } from '../../query/projection.js';
import { differenceOf } from './difference.js';

export type Fields = Record<string, unknown>;
export type Document = { readonly _id: string } & Fields;

/** How a document in the result has changed. */
export interface Difference {
	/** The fields object that subscribers received last. */
	readonly before: Fields;
	/** The fields that differ; undefined means a removed field. */
	readonly changes: Fields;
}

/** Receives the changes of a live query. Fields are shared and must not be changed. */
export interface QuerySubscriber {
	/**
	 * @param difference undefined: the document is new in the result
	 * @param isReread true: the document was read after a write. False: it comes from the initial read of a subscriber,
	 *   which may be older than a write
	 */
	onDocument(id: string, fields: Fields, difference: Difference | undefined, isReread: boolean): void;
	/** @param wasInResult whether the last result contained the document. If not, an initial read may still return it */
	onRemoved(id: string, wasInResult: boolean): void;
	/** A written document could not be read or published. Published documents may be outdated. */
	onFailure(error: unknown): void;
}

/** An equality condition of a filter: the field must contain one of these strings. */
export interface EqualityCondition {
	readonly path: readonly string[];
	readonly values: readonly string[];
}

/** A range condition of a filter: values outside of these bounds cannot match. A date counts in ms. */
export interface Range {
	readonly path: readonly string[];
	readonly min: number;
	readonly max: number;
}

export class ObservedQuery {
	readonly matches: Matcher;
	/** The only ids that the filter allows. Undefined if it does not list ids. */
	readonly ids: readonly string[] | undefined;
	/** Undefined if the filter has no equality condition, or `ids` is set. */
	readonly equality: EqualityCondition | undefined;
	/** Undefined if the filter has no range condition, or `ids` or `equality` is set. */
	readonly range: Range | undefined;
	readonly #project: (document: Document) => Fields;
	/**
	 * The last read fields of each matching document, by id. If the filter allows only one id: the fields of that
	 * document, without a Map.
	 */
	#result: Map<string, Fields> | Fields | undefined;
	#subscribers: CompactSet<QuerySubscriber>;

	constructor(
		/** Identifies the query among those on its collection. */
		readonly key: string,
		{ filter, projection }: LiveQuery,
	) {
		const conditions = filter as Fields;
		this.matches = compile(conditions);
		this.#project = projector(projection) as (document: Document) => Fields;
		this.ids = stringsIn(conditions, '_id');
		this.equality = this.ids ? undefined : equalityOf(conditions);
		this.range = this.ids || this.equality ? undefined : rangeOf(conditions);
	}

	get subscribers(): Iterable<QuerySubscriber> {
		return membersOf(this.#subscribers);
	}

	get hasSubscribers(): boolean {
		return this.#subscribers !== undefined;
	}

	subscribe(subscriber: QuerySubscriber): void {
		this.#subscribers = addMember(this.#subscribers, subscriber);
	}

	unsubscribe(subscriber: QuerySubscriber): void {
		this.#subscribers = removeMember(this.#subscribers, subscriber);
	}

	get resultIds(): Iterable<string> {
		if (this.#result instanceof Map) return this.#result.keys();
		return this.#result ? (this.ids as readonly string[]) : [];
	}

	isInResult(id: string): boolean {
		return this.#fieldsInResult(id) !== undefined;
	}

	/** The fields of a document that the projection keeps, without `_id`. */
	projectedFieldsOf(document: Document): Fields {
		const { _id, ...fields } = this.#project(document);
		return fields;
	}

	/**
	 * Records fields that were just read, and notifies the subscribers.
	 * @param initialReader the subscriber that read them in its initial result. If they have not changed, only this
	 *   subscriber is notified. Undefined: they were read after a write
	 */
	record(id: string, fields: Fields, initialReader?: QuerySubscriber): void {
		const before = this.#fieldsInResult(id);
		const difference = before && { before, changes: differenceOf(before, fields) };
		const isChanged = !difference || Object.keys(difference.changes).length > 0;
		// An unchanged document keeps its object: `MergeBox` recognizes published objects by identity.
		const current = isChanged ? fields : (before as Fields);
		if (isChanged) this.#setInResult(id, fields);
		const isReread = !initialReader;
		const notify = (subscriber: QuerySubscriber) => subscriber.onDocument(id, current, difference, isReread);
		if (isChanged || isReread) this.#notify(notify);
		else notify(initialReader);
	}

	/** Must be called for each written document that does not match or was removed. */
	drop(id: string): void {
		const wasInResult = this.isInResult(id);
		if (this.#result instanceof Map) this.#result.delete(id);
		else if (wasInResult) this.#result = undefined;
		this.#notify((subscriber) => subscriber.onRemoved(id, wasInResult));
	}

	/** An error of one subscriber ends only its subscription. */
	#notify(notify: (subscriber: QuerySubscriber) => void): void {
		for (const subscriber of this.subscribers) {
			try {
				notify(subscriber);
			} catch (error) {
				subscriber.onFailure(error);
			}
		}
	}

	#fieldsInResult(id: string): Fields | undefined {
		if (this.#result instanceof Map) return this.#result.get(id);
		return this.ids?.[0] === id ? this.#result : undefined;
	}

	/**
	 * A query for one id has no Map. Each idle connection has such a query, for its user, and a Map with one entry takes
	 * 219 bytes.
	 */
	#setInResult(id: string, fields: Fields): void {
		if (this.ids?.length === 1) this.#result = fields;
		else if (this.#result instanceof Map) this.#result.set(id, fields);
		else this.#result = new Map([[id, fields]]);
	}
}

function equalityOf(filter: Fields): EqualityCondition | undefined {
	for (const field of Object.keys(filter)) {
		const values = field.startsWith('$') ? undefined : stringsIn(filter, field);
		if (values) return { path: field.split('.'), values };
	}
	return undefined;
}

function rangeOf(filter: Fields): Range | undefined {
	for (const [field, condition] of Object.entries(filter)) {
		const { $gt, $gte, $lt, $lte } = (condition ?? {}) as Record<string, unknown>;
		// `$gt` counts as `$gte` and `$lt` as `$lte`: the matcher decides about the bound itself.
		const min = numberOf($gte === undefined ? $gt : $gte);
		const max = numberOf($lte === undefined ? $lt : $lte);
		if (field.startsWith('$') || (min === undefined && max === undefined)) continue;
		return { path: field.split('.'), min: min ?? Number.NEGATIVE_INFINITY, max: max ?? Number.POSITIVE_INFINITY };
	}
	return undefined;
}

/** A number as it is, a date in ms; undefined for other values. */
export function numberOf(value: unknown): number | undefined {
	if (value instanceof Date) return value.getTime();
	return typeof value === 'number' ? value : undefined;
}

/** The strings that a filter allows for a field; undefined if it also allows other values. */
function stringsIn(filter: Fields, field: string): readonly string[] | undefined {
	const values = allowedValues(filter, field);
	return values?.every((value) => typeof value === 'string') ? [...new Set(values)] : undefined;
}
