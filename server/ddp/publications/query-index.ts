/** Live queries by what their filters require, so that a written document is tested against few of them. */
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { reach } from '../../store/reach.js';
import type { Document, ObservedQuery } from './observed-query.js';

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
	/** Queries without such a condition: each is tested. */
	readonly #others = new Set<ObservedQuery>();

	add(query: ObservedQuery): void {
		const { ids, selector } = query;
		if (ids) for (const id of ids) this.#byId.add(id, query);
		else if (selector) {
			const name = selector.path.join('.');
			const field = this.#byField.get(name) ?? { path: selector.path, queries: new QueriesByText() };
			for (const value of selector.values) field.queries.add(value, query);
			this.#byField.set(name, field);
		} else this.#others.add(query);
	}

	delete(query: ObservedQuery): void {
		const { ids, selector } = query;
		if (ids) for (const id of ids) this.#byId.delete(id, query);
		else if (selector) {
			const name = selector.path.join('.');
			const field = this.#byField.get(name);
			for (const value of selector.values) field?.queries.delete(value, query);
			if (field?.queries.size === 0) this.#byField.delete(name);
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
		for (const query of this.#others) if (query.matches(document)) yield query;
	}
}
