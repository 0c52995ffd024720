/** Collections that an application declares, in addition to Roomkey's own. */
import { badEntryOf, checkDefinition, DefinitionError, type MemberRules, notDeclared } from './definition.js';
import { isObject } from './isObject.js';
import type { Path } from './query.js';
import type { Collection, Store } from './store.js';

/**
 * The document types of an application's collections, by name. Empty here; an application adds its own:
 *
 *     declare module 'roomkey' {
 *       interface Collections { tasks: Task }
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add members
export interface Collections {}

/** The declared collections, as methods and publications use them. */
export type DeclaredCollections = {
	readonly [N in keyof Collections]: Collection<Extract<Collections[N], { _id: string }>>;
};

export interface IndexDefinition<P extends string = string> {
	/** Paths, in the order of the index. */
	readonly fields: readonly P[];
	/** True: no two documents have the same values. Default false. */
	readonly unique?: boolean;
	/**
	 * True: documents without the fields are not indexed, so several documents may lack a unique field. Default false.
	 */
	readonly sparse?: boolean;
}

/** A declared collection. `T` is the type of its documents. */
export interface CollectionDefinition<T extends { _id: string } = { _id: string }> {
	/** Name in the database and in DDP. */
	readonly name: string;
	/** The property of `Store` that contains the collection. */
	readonly key: DeclaredKey;
	readonly indexes: readonly IndexDefinition[];
	/** Carries the document type for the compiler. It is never set. */
	readonly document?: T;
}

/** Keys of declared collections have a prefix, so that no name collides with a key of Roomkey's collections. */
type DeclaredKey = `own.${string}`;

const PREFIX = 'own.';

interface CollectionOptions<T> {
	readonly indexes?: readonly IndexDefinition<Path<T>>[];
}

type DocumentNamed<N extends keyof Collections> = Extract<Collections[N], { _id: string }>;

/** MongoDB allows 255 bytes for the names of a database and a collection together. 120 leave enough for the database. */
const NAME = /^[A-Za-z_][\w.-]{0,119}$/;

const OPTIONS: MemberRules = {
	indexes: {
		form: "a list such as [{ fields: ['owner'], unique: true }]",
		accepts: Array.isArray,
		badEntry: (value) => badEntryOf(value as unknown[], indexFault),
	},
};

function indexFault(value: unknown): string | undefined {
	if (!isObject(value)) return "must be an object such as { fields: ['owner'] }";
	const { fields, unique = false, sparse = false, ...others } = value;
	const [unknown] = Object.keys(others);
	if (unknown !== undefined) return `has no member '${unknown}'; its members are fields, unique, sparse`;
	if (!Array.isArray(fields) || fields.length === 0) return 'must have fields, a list of names';
	if (!Array.from(fields).every((field) => typeof field === 'string' && field !== ''))
		return 'has a field without a name';
	return typeof unique === 'boolean' && typeof sparse === 'boolean'
		? undefined
		: 'must have true or false as unique and as sparse';
}

/**
 * Declares a collection. A server that lists it in `collections` stores it, with its indexes.
 * @param name in the database and in DDP; a key of `Collections`
 * @throws DefinitionError for wrong options, or a wrong name. A name has 1 to 120 letters, digits, `_`, `.` and `-`. It begins
 * with a letter or `_`, and not with `system.`
 */
export function collection<N extends keyof Collections & string>(
	name: N,
	options?: CollectionOptions<DocumentNamed<N>>,
): CollectionDefinition<DocumentNamed<N>>;
export function collection<T extends { _id: string }>(
	name: string,
	options?: CollectionOptions<T>,
): CollectionDefinition<T>;
export function collection(name: string, options: CollectionOptions<never> = {}): CollectionDefinition {
	if (typeof name !== 'string' || !NAME.test(name) || name.startsWith('system.')) {
		throw new DefinitionError(
			`'${String(name)}' cannot be the name of a collection. A name has at most 120 letters, digits and any of _ . -, begins with a letter or _, and not with system.`,
		);
	}
	checkDefinition('collection', options, OPTIONS, name);
	return Object.freeze({ name, key: `${PREFIX}${name}`, indexes: options.indexes ?? [] });
}

/** Converts the key of a declared collection to its name. Returns other keys unchanged. */
export function declaredName(key: string): string {
	return key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
}

/** Names that `await` and `JSON.stringify` read from every object. */
const READ_FROM_EVERY_OBJECT: ReadonlySet<unknown> = new Set(['then', 'toJSON']);

/** The prototype of the object with the declared collections. Reading any other collection throws an error. */
const undeclared: object = new Proxy(Object.prototype, {
	get(target, name) {
		const isOrdinaryProperty = typeof name === 'symbol' || name in target || READ_FROM_EVERY_OBJECT.has(name);
		if (isOrdinaryProperty) return Reflect.get(target, name);
		throw notDeclared(name);
	},
});

/**
 * The declared collections of a store, by name. Reading another name throws an error.
 * @param source a store that lists its collections, if `store` does not
 */
export function collectionsOf(store: Store, source = store): DeclaredCollections {
	const keys = Object.keys(source).filter((key) => key.startsWith(PREFIX));
	const declared = keys.map((key) => [key.slice(PREFIX.length), store[key as keyof Store]] as const);
	return Object.assign(Object.create(undeclared), Object.fromEntries(declared)) as DeclaredCollections;
}
