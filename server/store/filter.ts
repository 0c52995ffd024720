/**
 * The filters both stores understand, and how to say them in nedb's words where those mean something else. The guard
 * passes every filter through here, whichever store it goes to, so what is refused is the same everywhere.
 *
 * Where nedb differs from MongoDB: null does not match a missing field; `$exists`, `$size` and `$elemMatch` are led astray
 * by arrays on the way; `$ne` and `$nin` ask each element of an array by itself; several conditions on an array must hold
 * for one and the same element; null is less than a date; an index of an array's elements answers a range with the same
 * document twice. Seen in nedb 4.1.2, `lib/model.js`; compared with FerretDB by some thousand random filters.
 */
import model from '@seald-io/nedb/lib/model.js';
import { type Fields, isFields, isScalar, kindOf } from './values.js';

/**
 * Checks a MongoDB filter and says it in nedb's words. A filter that means the same in both, such as `{_id: 'x'}`, is
 * given back as it is.
 *
 * @throws TypeError for `undefined`, whole documents as values, and operators outside the common language
 */
export function toNedb(filter: Fields): Fields {
	if (!isFields(filter)) throw new TypeError(`A filter is an object, not ${kindOf(filter)}`);
	const entries = Object.entries(filter);
	if (entries.every(([key, value]) => isField(key) && isScalar(value))) return filter;
	const query: Fields = {};
	const clauses: Fields[] = [];
	for (const [key, value] of entries) {
		if (Object.hasOwn(combine, key)) clauses.push(combine[key as keyof typeof combine](list(key, value)));
		else if (!isField(key)) throw new TypeError(`Filters do not know ${key}`);
		// What stands at the top is what nedb looks up in an index.
		else if (isScalar(value)) query[key] = value;
		else
			for (const clause of conditions(key, value)) {
				if (!(key in query) && key in clause) Object.assign(query, clause);
				else clauses.push(clause);
			}
	}
	return clauses.length === 0 ? query : { ...query, $and: clauses };
}

const isField = (key: string) => key !== '' && !key.startsWith('$') && key !== '__proto__';

const combine = {
	$and: (filters: Fields[]): Fields => ({ $and: filters }),
	$or: (filters: Fields[]): Fields => ({ $or: filters }),
	$nor: (filters: Fields[]): Fields => ({ $not: { $or: filters } }),
};

function list(operator: string, filters: unknown): Fields[] {
	if (!Array.isArray(filters) || filters.length === 0) throw new TypeError(`${operator} needs a list of filters`);
	return filters.map(toNedb);
}

/** What one field is asked: clauses that must all hold, each by itself, as any element of an array may fulfil each. */
function conditions(field: string, asked: unknown): Fields[] {
	if (!isFields(asked)) return [equal(field, asked)];
	return Object.entries(asked).map(([operator, value]) => {
		if (!Object.hasOwn(operators, operator))
			throw new TypeError(
				operator.startsWith('$')
					? `Filters do not know ${operator} (${field})`
					: `${field}: compare the single fields of a document, as in '${field}.${operator}'`,
			);
		return (operators[operator] as Operator)(field, value);
	});
}

type Operator = (field: string, value: unknown) => Fields;

const not = (clause: Fields): Fields => ({ $not: clause });

const operators: Record<string, Operator> = {
	$eq: (field, value) => equal(field, value),
	$ne: (field, value) => not(equal(field, value)),
	$in: oneOf,
	$nin: (field, value) => not(oneOf(field, value)),
	$not: (field, value) => {
		if (!isFields(value) && !(value instanceof RegExp)) throw new TypeError(`${field}: $not needs an operator`);
		return not({ $and: conditions(field, value) });
	},
	$exists: (field, value) => {
		if (typeof value !== 'boolean') throw new TypeError(`${field}: $exists needs true or false`);
		return (value ? someAt : noneAt)(field, (found) => found !== undefined);
	},
	$gt: (field, value) => range('$gt', field, value),
	$gte: (field, value) => range('$gte', field, value),
	$lt: (field, value) => range('$lt', field, value),
	$lte: (field, value) => range('$lte', field, value),
	$size: (field, value) => {
		if (!Number.isInteger(value)) throw new TypeError(`${field}: $size needs a whole number`);
		return someAt(field, (found) => Array.isArray(found) && found.length === value);
	},
	$elemMatch: (field, value) => {
		const query = toNedb(value as Fields);
		const fits: Test = (element) => isFields(element) && model.match(element, query);
		return someAt(field, (found) => Array.isArray(found) && found.some(fits));
	},
};

function equal(field: string, value: unknown): Fields {
	if (value === null) return someAt(field, (found) => (Array.isArray(found) ? found.includes(null) : found == null));
	// The driver reads other flags its own way, and a global expression remembers where it stopped.
	const comparable = value instanceof RegExp ? /^[im]*$/.test(value.flags) : isScalar(value);
	if (!comparable) throw new TypeError(`${field}: cannot be compared with ${kindOf(value)}`);
	return { [field]: value };
}

function oneOf(field: string, values: unknown): Fields {
	if (!Array.isArray(values)) throw new TypeError(`${field}: $in and $nin need a list`);
	const scalars = values.filter((value) => value !== null);
	for (const value of scalars)
		if (!isScalar(value)) throw new TypeError(`${field}: cannot be compared with ${kindOf(value)}`);
	const among = { [field]: { $in: scalars } };
	return scalars.length === values.length ? among : { $or: [among, equal(field, null)] };
}

function range(operator: string, field: string, value: unknown): Fields {
	if (!isScalar(value) || typeof value === 'boolean')
		throw new TypeError(`${field}: ${operator} needs a number, a string or a date`);
	// Inside $and, away from nedb's index; nedb's own $ne rules out null element by element.
	return { $and: [{ [field]: { [operator]: value, $ne: null } }] };
}

type Test = (found: unknown) => boolean;

/** A clause that is ours to decide: whether a path leads to something that passes a test. */
function someAt(field: string, passes: Test): Fields {
	const path = field.split('.');
	return {
		$where(this: unknown) {
			return reach(this, path).some(passes);
		},
	};
}

const noneAt = (field: string, passes: Test) => not(someAt(field, passes));

/** All that a path leads to, through the documents in the arrays on its way; `undefined` where a document lacks it. */
function reach(value: unknown, path: readonly string[]): unknown[] {
	const [key, ...rest] = path;
	if (key === undefined) return [value];
	if (Array.isArray(value)) {
		const within = value.filter(isFields).flatMap((element) => reach(element, path));
		return /^\d+$/.test(key) && Number(key) < value.length ? [...reach(value[Number(key)], rest), ...within] : within;
	}
	return isFields(value) ? reach(value[key], rest) : [undefined];
}
