/** Custom values that users may store with their account or a room. */
import { Match } from '../../shared/match.js';

/** MongoDB ends a field name at a NUL character. */
const isFieldName = (key: string) => key !== '__proto__' && /^[^$.\0][^.\0]*$/.test(key);

/** Maximum nesting of arrays and objects. */
const MAX_DEPTH = 8;

/** Values that every store can hold: JSON and dates. */
function isStorable(value: unknown, levels: number): boolean {
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
	if (typeof value === 'number') return Number.isFinite(value);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	if (levels === 0) return false;
	const within = (member: unknown) => isStorable(member, levels - 1);
	if (Array.isArray(value)) return value.every(within);
	return Match.test(value, Object) && Object.entries(value).every(([key, field]) => isFieldName(key) && within(field));
}

/**
 * Maximum length as JSON, in characters: the value is sent to all users who see the account or the room, with every
 * change.
 */
const MAX_LENGTH = 10_000;

/** A plain object of limited size that every store can hold. */
export const StoredValue = Match.Where(
	(value): value is Record<string, unknown> =>
		Match.test(value, Object) && isStorable(value, MAX_DEPTH) && JSON.stringify(value).length <= MAX_LENGTH,
	'object of at most 10,000 characters as JSON, 8 levels deep',
	{ type: 'object' },
);
