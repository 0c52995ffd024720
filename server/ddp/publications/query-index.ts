/** Live queries by what their filters require, so that a written document is tested against few of them. */
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { reach } from '../../query/reach.js';
import { type Document, numberOf, type ObservedQuery, type Range } from './observed-query.js';

/** Sets of queries, by a text. */
export class QueriesByText {
	readonly #sets = new Map<string, CompactSet<ObservedQuery>>();

	get size(): number {
		return this.#sets.size;
	}

	of(text: string): Iterable<ObservedQuery> {
		return membersOf(this.#sets.get(text));
	}

	has(text: string): boolean {
		return this.#sets.has(text);
	}

	add(text: string, query: ObservedQuery): void {
		this.#sets.set(text, addMember(this.#sets.get(text), query));
	}

	delete(text: string, query: ObservedQuery): void {
		const left = removeMember(this.#sets.get(text), query);
		if (left) this.#sets.set(text, left);
		else this.#sets.delete(text);
	}
}

/** The queries that require one of several strings in a field. */
interface Field {
	readonly path: readonly string[];
	readonly queries: QueriesByText;
}

export class QueryIndex {
	readonly #byId = new QueriesByText();
	readonly #byField = new Map<string, Field>();
	/**
	 * Queries with bounds for a number or a date, by the path of the field. Comparing the bounds of 1,000 queries takes a
	 * tenth of the time of their matchers.
	 */
	readonly #byRange = new Map<string, Map<ObservedQuery, Range>>();
	/** Queries without such a condition: each is tested. */
	readonly #others = new Set<ObservedQuery>();

	add(query: ObservedQuery): void {
		const { ids, selector, range } = query;
		if (ids) for (const id of ids) this.#byId.add(id, query);
		else if (selector) {
			const name = selector.path.join('.');
			const field = this.#byField.get(name) ?? { path: selector.path, queries: new QueriesByText() };
			for (const value of selector.values) field.queries.add(value, query);
			this.#byField.set(name, field);
		} else if (range) {
			const name = range.path.join('.');
			const ranges = this.#byRange.get(name) ?? new Map<ObservedQuery, Range>();
			this.#byRange.set(name, ranges.set(query, range));
		} else this.#others.add(query);
	}

	delete(query: ObservedQuery): void {
		const { ids, selector, range } = query;
		if (ids) for (const id of ids) this.#byId.delete(id, query);
		else if (selector) {
			const name = selector.path.join('.');
			const field = this.#byField.get(name);
			for (const value of selector.values) field?.queries.delete(value, query);
			if (field?.queries.size === 0) this.#byField.delete(name);
		} else if (range) {
			const name = range.path.join('.');
			const ranges = this.#byRange.get(name);
			ranges?.delete(query);
			if (ranges?.size === 0) this.#byRange.delete(name);
		} else this.#others.delete(query);
	}

	/** The queries that name an id. */
	withId(id: string): Iterable<ObservedQuery> {
		return this.#byId.of(id);
	}

	/** The queries that match a document, each at least once. */
	*matching(document: Document): Iterable<ObservedQuery> {
		for (const query of this.#byId.of(document._id)) if (query.matches(document)) yield query;
		for (const { path, queries } of this.#byField.values())
			for (const value of reach(document, path).flat())
				if (typeof value === 'string') for (const query of queries.of(value)) if (query.matches(document)) yield query;
		for (const ranges of this.#byRange.values()) yield* matchingRanges(ranges, document);
		for (const query of this.#others) if (query.matches(document)) yield query;
	}
}

function* matchingRanges(ranges: ReadonlyMap<ObservedQuery, Range>, document: Document): Iterable<ObservedQuery> {
	let found: readonly unknown[] | undefined;
	for (const [query, { path, min, max }] of ranges) {
		found ??= reach(document, path);
		const [value] = found;
		const number = found.length === 1 ? numberOf(value) : undefined;
		// The elements of an array may satisfy one bound each.
		const mayMatch = number === undefined ? Array.isArray(value) || found.length > 1 : !(number < min || number > max);
		if (mayMatch && query.matches(document)) yield query;
	}
}
