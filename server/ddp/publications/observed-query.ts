/** One distinct live query: what it last read, shared by all who subscribe to it. */
import { isSame } from '../../../shared/ejson.js';
import type { LiveQuery } from '../../../shared/publication.js';
import { addMember, type CompactSet, membersOf, removeMember } from '../../core/compact-set.js';
import { compile, type Matcher } from '../../store/match.js';
import { projector } from '../../store/projection.js';
import { reach } from '../../store/reach.js';

export type Fields = Record<string, unknown>;
export type Document = { readonly _id: string } & Fields;

/** Is notified of what has become of a document. The fields are shared by all, and nobody's to change. */
export interface QuerySubscriber {
	/**
	 * @param changes the fields that differ from what was known before; undefined: the document was not known
	 * @param isRead whether the document was read by itself, after it was written
	 */
	onDocument(id: string, fields: Fields, changes: Fields | undefined, isRead: boolean): void;
	onGone(id: string, wasKnown: boolean): void;
	/** A change could not be read: what is shown would no longer be what there is. */
	onFailure(error: unknown): void;
}

/** A field that must have one of some values, by which a query is found. */
export interface Selector {
	readonly path: readonly string[];
	readonly values: readonly string[];
}

export class ObservedQuery {
	readonly matches: Matcher;
	/** Ids that the query names; undefined: any document may match. */
	readonly ids: readonly string[] | undefined;
	readonly selector: Selector | undefined;
	readonly #project: (document: Document) => Fields;
	/** What was last read of each document that matches, by id; of a query that names one id, without a Map. */
	#known: Map<string, Fields> | Fields | undefined;
	#subscribers: CompactSet<QuerySubscriber>;

	constructor(
		/** Tells it from all others of its collection. */
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

	/** Ids of the documents that match, as far as they were read. */
	get knownIds(): Iterable<string> {
		if (this.#known instanceof Map) return this.#known.keys();
		return this.#known ? (this.ids as readonly string[]) : [];
	}

	known(id: string): Fields | undefined {
		return this.#known instanceof Map ? this.#known.get(id) : this.isOnly(id) ? this.#known : undefined;
	}

	/** What subscribers see of a document. */
	fieldsOf(document: Document): Fields {
		const { _id, ...fields } = this.#project(document);
		return fields;
	}

	/**
	 * Notes what was read of a document and tells the subscribers.
	 *
	 * @param reader the subscriber whose first result it belongs to, who shows it by itself; undefined: it was written
	 * @returns the fields to show, which are the same object for all
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

	/** A document matches no more, or is gone. */
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

/** The texts that a field may be, where a condition names them. */
function valuesAsked(condition: unknown): readonly string[] | undefined {
	if (typeof condition === 'string') return [condition];
	const { $eq, $in } = (condition ?? {}) as { $eq?: unknown; $in?: unknown };
	if (typeof $eq === 'string') return [$eq];
	return Array.isArray($in) && $in.every((value) => typeof value === 'string') ? [...new Set($in)] : undefined;
}

/** The texts that a document has at a path. */
export function valuesAt(document: Document, path: readonly string[]): Set<string> {
	const values = reach(document, path).flat();
	return new Set(values.filter((value) => typeof value === 'string'));
}

/** The fields that changed; undefined stands for one that is gone. */
function differenceOf(before: Fields, now: Fields): Fields {
	const changes: Fields = {};
	for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(now))
		if (!Object.hasOwn(before, name) || !isSame(before[name], value)) changes[name] = value;
	return changes;
}
