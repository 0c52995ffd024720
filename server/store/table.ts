/** Documents with their indexes, in memory or on disk. A document is never changed, only replaced. */
import { hash } from 'node:crypto';
import { DuplicateKeyError } from './failure.js';
import type { IndexSpec } from './indexes.js';
import { ownField, reach } from './reach.js';
import { type Document, type Fields, isFields, isId, isScalar, type Scalar } from './values.js';

/** Documents by their ids. */
export interface Documents {
	get(id: string): Document | undefined;
	put(document: Document): void;
	remove(id: string): void;
	/**
	 * All documents; in an ordered table optionally only those after an id. Documents may be written during the
	 * iteration.
	 */
	scan(after: string | undefined): Iterable<Document>;
	/** Whether `scan` and the ids of an index are ordered by id. */
	readonly ordered: boolean;
	/** Whether `get` and `scan` return fresh copies. */
	readonly copies: boolean;
}

/** Ids of documents by the values of some fields. */
export interface IndexEntries {
	ids(key: string, after: string | undefined): Iterable<string>;
	has(key: string): boolean;
	/** How many ids a key has. */
	count(key: string): number;
	/** The ids of the keys from one to another, without the latter, in the order of the keys' code points. */
	between(from: string, to: string): Iterable<string>;
	add(key: string, id: string): void;
	remove(key: string, id: string): void;
}

/** Candidates: a superset of the documents that match a filter. */
export interface Candidates {
	readonly documents: Iterable<Document>;
	/** Whether they are in ascending order of the path asked for. */
	readonly ordered: boolean;
}

/** Maximum number of index keys looked up for one filter. */
const MAX_KEYS = 1000;

/** The keys of an index that a filter asks for, and how many ids they have. */
interface Found {
	readonly entries: IndexEntries;
	readonly keys: readonly string[];
	readonly count: number;
}

/** So many candidates are sorted faster than read in order. */
const FEW = 100;

interface Index {
	readonly spec: IndexSpec;
	readonly paths: readonly (readonly string[])[];
	readonly entries: IndexEntries;
}

export class Table {
	readonly #indexes: readonly Index[];

	/** @param openIndex opens the stored entries of an index */
	constructor(
		private readonly name: string,
		private readonly documents: Documents,
		specs: readonly IndexSpec[],
		openIndex: (spec: IndexSpec) => IndexEntries,
	) {
		this.#indexes = specs.map((spec) => ({
			spec,
			paths: spec.fields.map((field) => field.split('.')),
			entries: openIndex(spec),
		}));
	}

	get copies(): boolean {
		return this.documents.copies;
	}

	get(id: string): Document | undefined {
		return this.documents.get(id);
	}

	/**
	 * Inserts or replaces a document in the table and all indexes, or fails without a change.
	 *
	 * @param before the document that it replaces
	 * @throws DuplicateKeyError
	 */
	put(document: Document, before?: Document): void {
		if (!before && this.documents.get(document._id)) throw new DuplicateKeyError(this.name);
		const moves: { entries: IndexEntries; come: string[]; go: string[] }[] = [];
		for (const { spec, paths, entries } of this.#indexes) {
			if (before && paths.every(([top]) => before[top as string] === document[top as string])) continue;
			const is = keysOf(document, paths, spec);
			const was = before ? keysOf(before, paths, spec) : [];
			const come = is.filter((key) => !was.includes(key));
			if (spec.unique && come.some((key) => entries.has(key))) throw new DuplicateKeyError(this.name);
			moves.push({ entries, come, go: was.filter((key) => !is.includes(key)) });
		}
		for (const { entries, come, go } of moves) {
			for (const key of go) entries.remove(key, document._id);
			for (const key of come) entries.add(key, document._id);
		}
		this.documents.put(document);
	}

	remove(document: Document): void {
		for (const { spec, paths, entries } of this.#indexes)
			for (const key of keysOf(document, paths, spec)) entries.remove(key, document._id);
		this.documents.remove(document._id);
	}

	/**
	 * Finds candidates by id, by an index in the order asked for, or by the most selective index; otherwise all documents
	 * are candidates.
	 *
	 * @param path in whose order they are of most use
	 */
	candidates(filter: Fields, path = '_id'): Candidates {
		const ids = asked(filter, '_id');
		if (ids) return { documents: this.#read(new Set(ids.filter(isId))), ordered: ids.length === 1 };
		const found = this.#lookUp(filter);
		if (path !== '_id') {
			const inOrder = found && found.count <= FEW ? undefined : this.#inOrder(filter, path);
			if (inOrder) return { documents: this.#read(inOrder), ordered: true };
		}
		const ordered = path === '_id' && this.documents.ordered;
		const after = lowerBound(filter, '_id');
		if (!found) return { documents: this.documents.scan(after), ordered };
		const { entries, keys } = found;
		const [only] = keys;
		if (only !== undefined && keys.length === 1) return { documents: this.#read(entries.ids(only, after)), ordered };
		const all = new Set<string>();
		for (const key of keys) for (const id of entries.ids(key, after)) all.add(id);
		return { documents: this.#read(all), ordered: false };
	}

	/** The ids of an index of a known value and the path, if the index has the order of all documents with that value. */
	#inOrder(filter: Fields, path: string): Iterable<string> | undefined {
		for (const { spec, entries } of this.#indexes) {
			const [first, second, third] = spec.fields;
			if (first === undefined || second !== path || third !== undefined || !spec.unique || spec.sparse) continue;
			const values = asked(filter, first);
			if (values?.length !== 1) continue;
			const prefix = prefixOf(keyOf(values[0]));
			const [texts, beyond] = [`${prefix}${FIRST_TEXT}`, `${prefix}${BEYOND_TEXTS}`];
			for (const _ of entries.between(prefix, texts)) return undefined;
			for (const _ of entries.between(beyond, `${prefix}${LAST}`)) return undefined;
			const after = lowerBound(filter, path);
			return entries.between(after === undefined ? texts : prefix + keyOf(after), beyond);
		}
		return undefined;
	}

	/** Read on demand: documents that were removed meanwhile are left out. */
	*#read(ids: Iterable<string>): Iterable<Document> {
		for (const id of ids) {
			const document = this.documents.get(id);
			if (document) yield document;
		}
	}

	#lookUp(filter: Fields): Found | undefined {
		let best: Found | undefined;
		for (const { spec, entries } of this.#indexes) {
			const values = spec.fields.map((field) =>
				spec.ignoreCase ? askedIgnoringCase(filter, field) : asked(filter, field),
			);
			if (values.some((list) => list === undefined)) continue;
			const lists = values as Scalar[][];
			if (lists.reduce((product, list) => product * list.length, 1) > MAX_KEYS) continue;
			const keys = combine(lists.map((list) => list.map(keyOf)));
			const count = spec.unique ? keys.length : keys.reduce((sum, key) => sum + entries.count(key), 0);
			if (best && count >= best.count) continue;
			best = { entries, keys, count };
			if (count <= 1) break;
		}
		return best;
	}
}

/** The values that a filter allows for a field, if it lists them. */
function asked(filter: Fields, field: string): Scalar[] | undefined {
	const condition = ownField(filter, field);
	if (isScalar(condition)) return [condition];
	if (isFields(condition)) {
		if (isScalar(condition.$eq)) return [condition.$eq];
		if (Array.isArray(condition.$in) && condition.$in.every(isScalar)) return condition.$in;
	}
	if (Array.isArray(filter.$and)) {
		for (const part of filter.$and) {
			const values = asked(part, field);
			if (values) return values;
		}
	}
	return undefined;
}

/** A pattern for a whole text without regard to case. */
const WHOLE_TEXT = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*)\$$/;

/** The index key for a pattern such as `/^alice$/i`, in an index that ignores case. */
function askedIgnoringCase(filter: Fields, field: string): Scalar[] | undefined {
	const condition = ownField(filter, field);
	if (!(condition instanceof RegExp) || condition.flags !== 'i') return undefined;
	const text = WHOLE_TEXT.exec(condition.source)?.[1];
	return text === undefined ? undefined : [foldCase(text.replace(/\\(.)/g, '$1'))];
}

/** Folds the case of a text like patterns with the flag `i`: a letter beyond ASCII never becomes an ASCII one. */
function foldCase(text: string): string {
	return text.replace(/[\s\S]/g, (character) => {
		const upper = character.toUpperCase();
		return upper.length === 1 && (character <= '\x7f' || upper > '\x7f') ? upper : character;
	});
}

/** The exclusive lower bound of a path in a filter, for pages that continue after the last one. */
function lowerBound(filter: Fields, path: string): string | undefined {
	const condition = ownField(filter, path);
	if (isFields(condition) && isShort(condition.$gt) && condition.$gt !== '') return condition.$gt;
	if (!Array.isArray(filter.$and)) return undefined;
	return filter.$and.map((part) => lowerBound(part, path)).find((bound) => bound !== undefined);
}

/** The keys under which an index has a document. */
function keysOf(
	document: Document,
	paths: readonly (readonly string[])[],
	{ sparse, ignoreCase = false }: IndexSpec,
): string[] {
	const lists = paths.map((path) => {
		const keys = new Set<string>();
		for (const value of reach(document, path))
			for (const element of Array.isArray(value) ? value : [value])
				if (element !== undefined || !sparse)
					keys.add(keyOf(ignoreCase && typeof element === 'string' ? foldCase(element) : element));
		return [...keys];
	});
	const [first = [], second, ...others] = lists;
	if (!second) return first;
	// An array has its place in the order of its least element, and not of each.
	const mark = second.length !== 1 && others.length === 0 ? [`${ARRAY}${document._id}`] : [];
	return combine([first, [...second, ...mark], ...others]);
}

/** All combinations of one key from each list. The lengths distinguish `a` + `bc` from `ab` + `c`. */
function combine(lists: readonly (readonly string[])[]): string[] {
	const [first = [], ...others] = lists;
	return others.reduce<string[]>(
		(keys, list) => keys.flatMap((key) => list.map((next) => prefixOf(key) + next)),
		[...first],
	);
}

const prefixOf = (key: string) => `${key.length}:${key}`;

/** The prefix of a compound key: its first key, with the length. */
export function firstOf(key: string): string {
	const colon = key.indexOf(':');
	return key.slice(0, colon + 1 + Number(key.slice(0, colon)));
}

/**
 * Longest text that is used as a key without hashing, in characters. LMDB's limit is 1,978 bytes, also for compound
 * keys.
 */
const MAX_KEY_TEXT = 200;

const isShort = (value: unknown): value is string =>
	typeof value === 'string' && value.length <= MAX_KEY_TEXT && !value.includes('\0');

/** The keys of short texts are ordered like the texts, and begin with the first of these characters. */
const FIRST_TEXT = 's';
const BEYOND_TEXTS = 't';
/** After every key. */
const LAST = '\u{10ffff}';
/** Begins a key for a document with several values. */
const ARRAY = 'a';

/** Encodes a value as a short key without the NUL character, which LMDB reserves. */
function keyOf(value: unknown): string {
	if (typeof value === 'string') return isShort(value) ? FIRST_TEXT + value : `h${hashOf(value)}`;
	if (value instanceof Date) return `d${value.getTime()}`;
	if (typeof value === 'object' && value !== null) return `o${hashOf(JSON.stringify(value))}`;
	return `${value ?? null}`;
}

const hashOf = (text: string) => hash('sha256', text, 'base64');
