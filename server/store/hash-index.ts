/**
 * Indexes that find a document in the same time however many there are. nedb keeps its indexes in trees: with a million
 * documents a search takes twice the steps it takes with a thousand, nearly each of them a cache miss, and an update
 * searches every index twice. Nothing here asks for a range of an indexed field, which is what trees are for.
 */
import type { Datastore } from './embedded.js';
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

class HashTree implements Tree {
	/** Most keys have one document, which then stands for itself. */
	readonly #documents = new Map<string, object | Set<object>>();

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
		return this.find(keyText(key));
	}

	/** @param text of the key */
	count(text: string): number {
		const there = this.#documents.get(text);
		if (there === undefined) return 0;
		return there instanceof Set ? there.size : 1;
	}

	/** @param text of the key */
	find(text: string): object[] {
		const there = this.#documents.get(text);
		if (there === undefined) return [];
		return there instanceof Set ? [...there] : [there];
	}

	executeOnEveryNode(visit: (node: { data: object[] }) => void): void {
		for (const there of this.#documents.values()) visit({ data: there instanceof Set ? [...there] : [there] });
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
 */
function candidates(lookups: readonly Lookup[], query: Fields): object[] | undefined {
	let found: { tree: HashTree; keys: string[] } | undefined;
	let fewest = Number.POSITIVE_INFINITY;
	for (const { fields, index } of lookups) {
		const keys = keysOf(fields, query);
		if (!keys) continue;
		const tree = index.tree as HashTree;
		let count = 0;
		for (const key of keys) count += tree.count(key);
		if (count >= fewest) continue;
		fewest = count;
		found = { tree, keys };
		if (count === 0) break;
	}
	if (!found) return undefined;
	const { tree, keys } = found;
	// Two values of one array lead to the same document.
	return keys.length === 1 ? tree.find(keys[0] as string) : [...new Set(keys.flatMap((key) => tree.find(key)))];
}

/** What is used here of a database; its types leave it out. */
interface Internals {
	readonly indexes: Readonly<Record<string, Index>>;
	_getRawCandidates(query: Fields): object[];
}

/** Puts hash tables into all indexes of a loaded database, and asks the best of them. */
export function useHashIndexes(db: Datastore): void {
	const documents = db.getAllData();
	const internals = db as unknown as Internals;
	const lookups = Object.entries(internals.indexes).map(([name, index]) => ({ fields: name.split(','), index }));
	for (const { index } of lookups) {
		index.reset = (all = []) => {
			index.tree = new HashTree(index.unique);
			index.insert(all);
		};
		index.reset(documents);
	}
	internals._getRawCandidates = (query) => candidates(lookups, query) ?? db.getAllData();
}
