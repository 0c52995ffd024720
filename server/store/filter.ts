/**
 * MongoDB's filters in nedb's words. The two differ where a field is missing or an array: `{a: null}` finds documents
 * without `a` in MongoDB alone, and `{a: {$ne: 1}}` finds `{a: [1, 2]}` in nedb alone, which asks for any element that
 * differs. What neither has is refused, so that no condition is ever passed over.
 */

type Filter = Readonly<Record<string, unknown>>;

/** Operators of a field that mean the same in both. */
const SAME = new Set(['$eq', '$gt', '$gte', '$lt', '$lte', '$exists', '$in', '$size', '$elemMatch']);

function isOperators(condition: unknown): condition is Filter {
	return (
		typeof condition === 'object' &&
		condition !== null &&
		Object.getPrototypeOf(condition) === Object.prototype &&
		Object.keys(condition)[0]?.[0] === '$'
	);
}

function not(filter: Filter): Filter {
	return { $not: filter };
}

function anyOf(...filters: Filter[]): Filter {
	return { $or: filters };
}

/** One operator of a field. */
function fromOperator(field: string, operator: string, operand: unknown): Filter {
	switch (operator) {
		case '$eq':
			return fromField(field, operand);
		case '$ne':
			return not(fromField(field, operand));
		case '$nin':
			return not(fromOperator(field, '$in', operand));
		case '$not':
			return not(fromField(field, operand));
		case '$in': {
			const values = operand as readonly unknown[];
			const given = values.filter((value) => value !== null);
			const isOneOf = { [field]: { $in: given } };
			return given.length === values.length ? isOneOf : anyOf(isOneOf, fromField(field, null));
		}
		case '$elemMatch':
			return { [field]: { $elemMatch: isOperators(operand) ? operand : toNedb(operand as Filter) } };
		default:
			if (!SAME.has(operator)) throw new TypeError(`${operator} is not supported in a filter`);
			return { [field]: { [operator]: operand } };
	}
}

/** What is asked of one field. */
function fromField(field: string, condition: unknown): Filter {
	if (condition === null) return anyOf({ [field]: null }, { [field]: { $exists: false } });
	if (!isOperators(condition)) return { [field]: condition };
	const parts = Object.entries(condition).map(([operator, operand]) => fromOperator(field, operator, operand));
	return parts.length === 1 ? (parts[0] as Filter) : { $and: parts };
}

function fromKey(key: string, condition: unknown): Filter {
	const filters = () => (condition as readonly Filter[]).map(toNedb);
	switch (key) {
		case '$and':
		case '$or':
			return { [key]: filters() };
		case '$nor':
			return not(anyOf(...filters()));
		default:
			if (key.startsWith('$')) throw new TypeError(`${key} is not supported in a filter`);
			return fromField(key, condition);
	}
}

/** Translates a filter. Fields compared with a value stay at the top, where nedb looks for an index. */
export function toNedb(filter: Filter): Filter {
	const top: Record<string, unknown> = {};
	const more: Filter[] = [];
	for (const [key, condition] of Object.entries(filter)) {
		if (!key.startsWith('$') && condition !== null && !isOperators(condition)) top[key] = condition;
		else more.push(fromKey(key, condition));
	}
	if (more.length === 0) return top;
	// A lone condition may be one on an indexed field, such as `$in`: it can stand at the top as well.
	const [only] = more;
	if (more.length === 1 && only && !Object.keys(only).some((key) => key in top)) return { ...top, ...only };
	return { ...top, $and: more };
}

/** Translates an update: the condition of a `$pull` is a filter too. */
export function toNedbUpdate(update: Filter): Filter {
	const { $pull } = update;
	if (!$pull) return update;
	const pulls = Object.entries($pull).map(([field, condition]) => [field, fromPull(condition)]);
	return { ...update, $pull: Object.fromEntries(pulls) };
}

function fromPull(condition: unknown): unknown {
	const isFilter = typeof condition === 'object' && condition !== null && !isOperators(condition);
	return isFilter && !(condition instanceof Date) ? toNedb(condition as Filter) : condition;
}
