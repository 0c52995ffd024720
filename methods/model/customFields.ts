/** Custom fields: an object that users may store in their account or a room. */
import { Match } from '../../shared/match.js';
import { isFields, isStorable } from '../../shared/values.js';

/** Maximum nesting of arrays and objects: half of what a document may have. */
const MAX_DEPTH = 8;

/** Maximum length as JSON, in characters. Each change sends the value to all users who see the account or the room. */
const MAX_LENGTH = 10_000;

/** A plain object of limited size that every store can hold. */
export const CustomFields = Match.Where(
	(value): value is Record<string, unknown> =>
		isFields(value) && isStorable(value, MAX_DEPTH) && JSON.stringify(value).length <= MAX_LENGTH,
	'object of at most 8 levels, and at most 10,000 characters as JSON',
	{ type: 'object' },
);
