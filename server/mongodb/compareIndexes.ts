/** Compares the indexes that a MongoDB has with those that Roomkey needs. */
import type { Db } from 'mongodb';
import type { IndexedCollection, IndexSpec } from '../../shared/indexes.js';

/** A difference between the present and the needed indexes. */
export interface IndexDifference {
	readonly collection: string;
	readonly fields: readonly string[];
	/**
	 * `different`: another index on the same fields. `extra`: an unneeded index in a collection that only Roomkey uses.
	 */
	readonly kind: 'missing' | 'different' | 'extra';
	/** The properties of the needed index in words, such as `unique, sparse`. */
	readonly needed: string;
	readonly present?: string;
	/** The index to make, if the kind is `missing`. */
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

/** The prefix of collections that only Roomkey uses. In other collections no index is `extra`. */
const OWN_PREFIX = 'roomkey_';

const neededIndexes = ({ indexes }: IndexedCollection): IndexSpec[] =>
	indexes.filter(({ embeddedOnly }) => !embeddedOnly);

/** The filter of a partial index, which contains only documents that have all these fields. */
export const partialFilter = (fields: readonly string[]): object =>
	Object.fromEntries(fields.map((field) => [field, { $exists: true }]));

/** MongoDB's error code for a collection that does not exist. */
const NAMESPACE_NOT_FOUND = 26;

async function presentIndexes(db: Db, collection: string): Promise<PresentIndex[]> {
	try {
		return (await db.collection(collection).listIndexes().toArray()) as PresentIndex[];
	} catch (error) {
		if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return [];
		throw error;
	}
}

/** Whether none of these collections has a document. */
export async function holdsNothing(db: Db, collections: readonly IndexedCollection[]): Promise<boolean> {
	for (const { name } of collections)
		if (await db.collection(name).findOne({}, { projection: { _id: 1 } })) return false;
	return true;
}

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

function neededInWords({ fields, unique, sparse, partial, expires }: IndexSpec): string {
	return inWords({
		unique,
		...(partial ? { partialFilterExpression: partialFilter(fields) } : { sparse }),
		// The words do not contain the time, so any time counts as equal.
		...(expires && { expireAfterSeconds: 0 }),
	});
}

/** The fields of an ascending index with their directions, as a text to compare. */
const keyOf = (fields: readonly string[]) => JSON.stringify(fields.map((field) => [field, 1]));

/**
 * The text of `keyOf` for a present index. The driver may wrap the number of a direction in an object. In an index of
 * another kind the direction is a text, such as `2dsphere`.
 */
const presentKey = ({ key }: PresentIndex) =>
	JSON.stringify(Object.entries(key).map(([field, direction]) => [field, Number(direction) || direction]));

/** Compares the indexes of a collection with the needed ones. */
export function compareIndexes(spec: IndexedCollection, present: readonly PresentIndex[]): IndexDifference[] {
	const collection = spec.name;
	const needed = neededIndexes(spec);
	const differences = needed.flatMap((index): IndexDifference[] => {
		const { fields } = index;
		const words = neededInWords(index);
		const onSameFields = present.filter((candidate) => presentKey(candidate) === keyOf(fields)).map(inWords);
		if (onSameFields.includes(words)) return [];
		const [other] = onSameFields;
		if (other === undefined) return [{ collection, fields, kind: 'missing', needed: words, index }];
		return [{ collection, fields, kind: 'different', needed: words, present: other }];
	});
	if (!collection.startsWith(OWN_PREFIX)) return differences;
	// MongoDB makes the index on `_id` itself.
	const neededKeys = new Set([keyOf(['_id']), ...needed.map(({ fields }) => keyOf(fields))]);
	for (const index of present) {
		if (neededKeys.has(presentKey(index))) continue;
		const fields = Object.keys(index.key);
		differences.push({ collection, fields, kind: 'extra', needed: 'none', present: inWords(index) });
	}
	return differences;
}

/** Compares all collections of a database. */
export async function compareDatabase(db: Db, collections: readonly IndexedCollection[]): Promise<IndexDifference[]> {
	const found: IndexDifference[] = [];
	for (const spec of collections) found.push(...compareIndexes(spec, await presentIndexes(db, spec.name)));
	return found;
}
