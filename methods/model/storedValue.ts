/** What people may store with their account or a room, whatever it is. */
import { Match } from '../../shared/match.js';

/** MongoDB ends a name at a zero character. */
const isFieldName = (key: string) => key !== '__proto__' && /^[^$.\0][^.\0]*$/.test(key);

/**
 * Most levels of arrays and objects within one another. nedb looks at the elements of an array twice, and so at what is
 * within ten arrays a thousand times.
 */
const MAX_DEPTH = 8;

/** What a document can hold in either store: JSON and dates. */
function isStorable(value: unknown, levels: number): boolean {
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
	if (typeof value === 'number') return Number.isFinite(value);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	if (levels === 0) return false;
	const within = (member: unknown) => isStorable(member, levels - 1);
	if (Array.isArray(value)) return value.every(within);
	return Match.test(value, Object) && Object.entries(value).every(([key, field]) => isFieldName(key) && within(field));
}

/** Most characters of it, as JSON: it is sent to all who see the account or the room, with every change. */
const MAX_LENGTH = 10_000;

/** A plain object that either store can hold, and not a large one. */
export const StoredValue = Match.Where(
	(value): value is Record<string, unknown> =>
		Match.test(value, Object) && isStorable(value, MAX_DEPTH) && JSON.stringify(value).length <= MAX_LENGTH,
);
