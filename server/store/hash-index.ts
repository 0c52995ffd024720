/**
 * Indexes that find a document in the same time however many there are. nedb keeps its indexes in trees: with a million
 * documents a search takes twice the steps it takes with a thousand, nearly each of them a cache miss, and an update
 * searches every index twice. Nothing here asks for a range of an indexed field, which is what trees are for.
 */
import model from '@seald-io/nedb/lib/model.js';
import type { Datastore } from './nedb.js';
import type { Fields } from './values.js';

/** What nedb asks of the tree in an index. */
interface Tree {
	insert(key: unknown, document: object): void;
	delete(key: unknown, document: object): void;
	search(key: unknown): object[];
	executeOnEveryNode(visit: (node: { data: object[] }) => void): void;
}

/** What is used here of nedb's index; its types leave it out. */
interface Index {
	readonly unique: boolean;
	tree: Tree;
	insert(documents: readonly object[]): void;
	update(before: object, after: object): void;
	reset(documents?: readonly object[]): void;
}

/** Text that is the same for the same values, and for no others. */
function keyText(key: unknown): string {
	if (typeof key === 'string') return `s${key}`;
	if (typeof key !== 'object') return `${typeof key} ${key}`;
	if (key === null) return 'null';
	if (key instanceof Date) return `date ${key.getTime()}`;
	const fields = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
	return JSON.stringify(fields.map(([name, value]) => [name, keyText(value)]));
}

/** What a key leads to. Most have one document, which then stands for itself. */
type Found = object | Set<object> | undefined;

function all(found: Found): object[] {
	if (found === undefined) return [];
	return found instanceof Set ? [...found] : [found];
}

function sizeOf(found: Found): number {
	if (found === undefined) return 0;
	return found instanceof Set ? found.size : 1;
}

class HashTree implements Tree {
	readonly #documents = new Map<string, NonNullable<Found>>();

	constructor(private readonly unique: boolean) {}

	insert(key: unknown, document: object): void {
		const text = keyText(key);
		const there = this.#documents.get(text);
		if (there === undefined) {
			this.#documents.set(text, document);
		} else if (this.unique) {
			throw Object.assign(new Error('Unique index'), { errorType: 'uniqueViolated' });
		} else if (there instanceof Set) {
			there.add(document);
		} else {
			this.#documents.set(text, new Set([there, document]));
		}
	}

	/** Puts a document in the place of one with the same key. */
	replace(text: string, before: object, after: object): void {
		const there = this.#documents.get(text);
		if (there instanceof Set) {
			there.delete(before);
			there.add(after);
		} else {
			this.#documents.set(text, after);
		}
	}

	delete(key: unknown, document: object): void {
		const text = keyText(key);
		const there = this.#documents.get(text);
		if (there instanceof Set) {
			there.delete(document);
			if (there.size === 0) this.#documents.delete(text);
		} else if (there === document) {
			this.#documents.delete(text);
		}
	}

	search(key: unknown): object[] {
		return all(this.get(keyText(key)));
	}

	/** @param text of the key */
	get(text: string): Found {
		return this.#documents.get(text);
	}

	executeOnEveryNode(visit: (node: { data: object[] }) => void): void {
		for (const there of this.#documents.values()) visit({ data: all(there) });
	}
}

/** An index whose fields a query is asked by. */
interface Lookup {
	readonly fields: readonly string[];
	readonly index: Index;
}

/** The values a query asks of a field: one, or those of `$in`. Undefined where it asks otherwise, or for null. */
function valuesOf(asked: unknown): readonly unknown[] | undefined {
	if (isKey(asked)) return [asked];
	if (typeof asked !== 'object' || asked === null || !('$in' in asked)) return undefined;
	const { $in } = asked;
	return Array.isArray($in) && $in.every(isKey) ? $in : undefined;
}

function isKey(value: unknown): boolean {
	return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof Date;
}

/** Most keys made of the values of several fields: two lists of thousands would make millions. One of them alone will do. */
const MOST_KEYS = 1000;

/**
 * The texts of the keys of an index that a query asks for; undefined if it says nothing, or nothing definite, of one of
 * the fields.
 */
function keysOf(fields: readonly string[], query: Fields): string[] | undefined {
	let keys: Fields[] = [{}];
	for (const field of fields) {
		const values = valuesOf(query[field]);
		if (!values) return undefined;
		if (fields.length === 1) return values.map(keyText);
		if (keys.length * values.length > MOST_KEYS) return undefined;
		keys = keys.flatMap((key) => values.map((value) => ({ ...key, [field]: value })));
	}
	return keys.map(keyText);
}

/**
 * The fewest documents among which are all that a query can match. nedb takes the first index that fits: all places of
 * a user, or of a room, where one with both fields has the one that is meant.
 * @param lookups unique ones first: they lead to one document for a key, and fewer cannot be asked for
 */
function candidates(lookups: readonly Lookup[], query: Fields): object[] | undefined {
	let fewest = Number.POSITIVE_INFINITY;
	let best: Found[] | undefined;
	for (const { fields, index } of lookups) {
		const keys = keysOf(fields, query);
		if (!keys) continue;
		const tree = index.tree as HashTree;
		const found = keys.map((key) => tree.get(key));
		const count = found.reduce((sum: number, documents) => sum + sizeOf(documents), 0);
		if (count < fewest) best = found;
		fewest = Math.min(count, fewest);
		if (fewest <= 1) break;
	}
	if (!best) return undefined;
	// Two values of one array lead to the same document.
	return best.length === 1 ? all(best[0]) : [...new Set(best.flatMap(all))];
}

/** What is used here of a database; its types leave it out. */
interface Internals {
	readonly indexes: Readonly<Record<string, Index>>;
	_getRawCandidates(query: Fields): object[];
}

/** The text of a document's key; undefined where it has none, or one for each of several values. */
function ownKey(document: object, fields: string[]): string | undefined {
	const key = model.getDotValues(document, fields);
	return key === undefined || Array.isArray(key) ? undefined : keyText(key);
}

/** Spares an update what does not change: most write fields that no index knows of. */
function keepUnchanged(index: Index, fields: string[]): void {
	const { update } = index;
	index.update = function (this: Index, before, after) {
		// With a list, several at once.
		const text = Array.isArray(before) ? undefined : ownKey(before, fields);
		if (text !== undefined && text === ownKey(after, fields)) (this.tree as HashTree).replace(text, before, after);
		else update.call(this, before, after);
	};
}

/** Puts hash tables into all indexes of a loaded database, and asks the best of them. */
export function useHashIndexes(db: Datastore): void {
	const documents = db.getAllData();
	const internals = db as unknown as Internals;
	const lookups = Object.entries(internals.indexes)
		.map(([name, index]) => ({ fields: name.split(','), index }))
		.sort((a, b) => Number(b.index.unique) - Number(a.index.unique));
	for (const { index, fields } of lookups) {
		keepUnchanged(index, fields);
		index.reset = (all = []) => {
			index.tree = new HashTree(index.unique);
			index.insert(all);
		};
		index.reset(documents);
	}
	internals._getRawCandidates = (query) => candidates(lookups, query) ?? db.getAllData();
}
