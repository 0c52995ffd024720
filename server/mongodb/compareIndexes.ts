/** The indexes that a MongoDB has, compared with those that Roomkey needs. */
import type { Db } from 'mongodb';
import type { IndexedCollection, IndexSpec } from '../../shared/indexes.js';

/** A needed index that a database does not have as it should. */
export interface IndexDifference {
	readonly collection: string;
	readonly fields: readonly string[];
	/** `different`: there is another index on the same fields. `extra`: it is not needed, in a collection of Roomkey alone. */
	readonly kind: 'missing' | 'different' | 'extra';
	/** What is needed, in words: `unique`, `sparse`. */
	readonly needed: string;
	/** What there is instead, in words. */
	readonly present?: string;
	/** The index to make, if it is missing. */
	readonly index?: IndexSpec;
}

/** An index as `listIndexes` describes it. */
export interface PresentIndex {
	readonly name?: string;
	readonly key: Readonly<Record<string, unknown>>;
	readonly unique?: boolean;
	readonly sparse?: boolean;
	readonly partialFilterExpression?: object;
	readonly collation?: object;
	readonly expireAfterSeconds?: number;
	readonly hidden?: boolean;
}

/** Collections with this prefix are Roomkey's alone; all others belong to Rocket.Chat or the application too. */
const OWN_PREFIX = 'roomkey_';

/** The indexes of a collection that MongoDB needs. */
const neededIndexes = ({ indexes }: IndexedCollection): IndexSpec[] =>
	indexes.filter(({ embeddedOnly }) => !embeddedOnly);

/** The filter of a partial index on these fields. */
export const partialFilter = (fields: readonly string[]): object =>
	Object.fromEntries(fields.map((field) => [field, { $exists: true }]));

/** The indexes of a collection; none if it does not exist. */
async function presentIndexes(db: Db, collection: string): Promise<PresentIndex[]> {
	try {
		return (await db.collection(collection).listIndexes().toArray()) as PresentIndex[];
	} catch (error) {
		// NamespaceNotFound
		if ((error as { code?: unknown }).code === 26) return [];
		throw error;
	}
}

/** Whether none of these collections holds a document, as in a database whose name is mistyped. */
export async function holdsNothing(db: Db, collections: readonly IndexedCollection[]): Promise<boolean> {
	for (const { name } of collections)
		if (await db.collection(name).findOne({}, { projection: { _id: 1 } })) return false;
	return true;
}

/** The properties of an index in words. */
function inWords({ unique, sparse, partialFilterExpression, ...others }: Omit<PresentIndex, 'key'>): string {
	const words = [
		unique ? 'unique' : '',
		sparse ? 'sparse' : '',
		partialFilterExpression ? `partial ${JSON.stringify(partialFilterExpression)}` : '',
		others.collation ? 'with a collation' : '',
		others.expireAfterSeconds !== undefined ? 'with an expiry' : '',
		others.hidden ? 'hidden' : '',
	];
	return words.filter(Boolean).join(', ') || 'plain';
}

function wordsOf({ fields, unique, sparse, partial, expires }: IndexSpec): string {
	return inWords({
		unique,
		...(partial ? { partialFilterExpression: partialFilter(fields) } : { sparse }),
		...(expires && { expireAfterSeconds: 0 }),
	});
}

const keyOf = (fields: readonly string[]) => JSON.stringify(fields.map((field) => [field, 1]));

/** The key of a present index, in the same form; a number is 1 in whatever type it is stored. */
const presentKey = ({ key }: PresentIndex) =>
	JSON.stringify(Object.entries(key).map(([field, direction]) => [field, Number(direction) || direction]));

/** Compares the indexes of a collection with the needed ones. */
export function compareIndexes(spec: IndexedCollection, present: readonly PresentIndex[]): IndexDifference[] {
	const collection = spec.name;
	const needed = neededIndexes(spec);
	const differences = needed.flatMap((index): IndexDifference[] => {
		const { fields } = index;
		const words = wordsOf(index);
		const same = present.filter((one) => presentKey(one) === keyOf(fields)).map((one) => inWords(one));
		if (same.includes(words)) return [];
		const [other] = same;
		if (other === undefined) return [{ collection, fields, kind: 'missing', needed: words, index }];
		return [{ collection, fields, kind: 'different', needed: words, present: other }];
	});
	if (!collection.startsWith(OWN_PREFIX)) return differences;
	const known = new Set([keyOf(['_id']), ...needed.map(({ fields }) => keyOf(fields))]);
	const extra = present.filter((one) => !known.has(presentKey(one)));
	return [
		...differences,
		...extra.map(
			(one): IndexDifference => ({
				collection,
				fields: Object.keys(one.key),
				kind: 'extra',
				needed: 'none',
				present: inWords(one),
			}),
		),
	];
}

/** Compares all collections of a database. */
export async function compareDatabase(db: Db, collections: readonly IndexedCollection[]): Promise<IndexDifference[]> {
	const found: IndexDifference[] = [];
	for (const one of collections) found.push(...compareIndexes(one, await presentIndexes(db, one.name)));
	return found;
}
