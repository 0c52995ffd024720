/** An index of live queries, so that a written document is tested against few of them. */
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { reach } from '../../query/reach.js';
import { type Document, numberOf, type ObservedQuery, type Range } from './observed-query.js';

/** A set of queries for each string. */
export class QueriesByString {
	readonly #sets = new Map<string, CompactSet<ObservedQuery>>();

	get size(): number {
		return this.#sets.size;
	}

	keys(): Iterable<string> {
		return this.#sets.keys();
	}

	get(key: string): Iterable<ObservedQuery> {
		return membersOf(this.#sets.get(key));
	}

	has(key: string): boolean {
		return this.#sets.has(key);
	}

	add(key: string, query: ObservedQuery): void {
		this.#sets.set(key, addMember(this.#sets.get(key), query));
	}

	delete(key: string, query: ObservedQuery): void {
		const remaining = removeMember(this.#sets.get(key), query);
		if (remaining) this.#sets.set(key, remaining);
		else this.#sets.delete(key);
	}
}

interface IndexedField {
	readonly path: readonly string[];
	readonly queries: QueriesByString;
}

export class QueryIndex {
	readonly #byId = new QueriesByString();
	/** Queries with an equality condition, by the path of its field. */
	readonly #byEquality = new Map<string, IndexedField>();
	/**
	 * Queries with a range condition, by the path of its field. Comparing bounds takes a tenth of the time of the
	 * matchers.
	 */
	readonly #byRange = new Map<string, Map<ObservedQuery, Range>>();
	/** Every written document is tested against these queries. */
	readonly #others = new Set<ObservedQuery>();

	add(query: ObservedQuery): void {
		const { ids, equality, range } = query;
		if (ids) for (const id of ids) this.#byId.add(id, query);
		else if (equality) {
			const name = equality.path.join('.');
			const field = this.#byEquality.get(name) ?? { path: equality.path, queries: new QueriesByString() };
			for (const value of equality.values) field.queries.add(value, query);
			this.#byEquality.set(name, field);
		} else if (range) {
			const name = range.path.join('.');
			const ranges = this.#byRange.get(name) ?? new Map<ObservedQuery, Range>();
			this.#byRange.set(name, ranges.set(query, range));
		} else this.#others.add(query);
	}

	delete(query: ObservedQuery): void {
		const { ids, equality, range } = query;
		if (ids) for (const id of ids) this.#byId.delete(id, query);
		else if (equality) {
			const name = equality.path.join('.');
			const field = this.#byEquality.get(name);
			for (const value of equality.values) field?.queries.delete(value, query);
			if (field?.queries.size === 0) this.#byEquality.delete(name);
		} else if (range) {
			const name = range.path.join('.');
			const ranges = this.#byRange.get(name);
			ranges?.delete(query);
			if (ranges?.size === 0) this.#byRange.delete(name);
		} else this.#others.delete(query);
	}

	/** The queries whose filters list this id. */
	requiringId(id: string): Iterable<ObservedQuery> {
		return this.#byId.get(id);
	}

	/** Whether any query may match a document of which only the id is known. */
	mayMatchId(id: string): boolean {
		return this.#byId.has(id) || this.#byEquality.size > 0 || this.#byRange.size > 0 || this.#others.size > 0;
	}

	/** The queries that match a document. A query may occur several times. */
	*matching(document: Document): Iterable<ObservedQuery> {
		yield* matchingAmong(this.#byId.get(document._id), document);
		for (const { path, queries } of this.#byEquality.values()) {
			for (const value of reach(document, path).flat()) {
				if (typeof value === 'string') yield* matchingAmong(queries.get(value), document);
			}
		}
		for (const ranges of this.#byRange.values()) yield* matchingRanges(ranges, document);
		yield* matchingAmong(this.#others, document);
	}
}

function* matchingAmong(queries: Iterable<ObservedQuery>, document: Document): Iterable<ObservedQuery> {
	for (const query of queries) {
		if (query.matches(document)) yield query;
	}
}

/**
 * The matching queries among those with a range condition for one field. Compares the bounds before it runs a matcher.
 */
function* matchingRanges(ranges: ReadonlyMap<ObservedQuery, Range>, document: Document): Iterable<ObservedQuery> {
	let values: readonly unknown[] | undefined;
	for (const [query, { path, min, max }] of ranges) {
		// Read once, because all these queries have the same path.
		values ??= reach(document, path);
		const [value] = values;
		// Of several values, one may satisfy the lower bound and another the upper one. Only the matcher decides that.
		const hasSeveralValues = Array.isArray(value) || values.length > 1;
		const number = hasSeveralValues ? undefined : numberOf(value);
		const isInRange = number !== undefined && !(number < min || number > max);
		if ((hasSeveralValues || isInRange) && query.matches(document)) yield query;
	}
}
