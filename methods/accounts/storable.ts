/** What people may store with their account or a room, whatever it is. */
import { Match } from '../../shared/match.js';

/** MongoDB ends a name at a zero character. */
const isFieldName = (key: string) => key !== '__proto__' && /^[^$.\0][^.\0]*$/.test(key);

/** What a document can hold in either store: JSON and dates. */
function isStorable(value: unknown): boolean {
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
	if (typeof value === 'number') return Number.isFinite(value);
	if (Array.isArray(value)) return value.every(isStorable);
	if (value instanceof Date) return !Number.isNaN(value.getTime());
	return (
		Match.test(value, Object) && Object.entries(value).every(([key, field]) => isFieldName(key) && isStorable(field))
	);
}

/** Most characters of it, as JSON: whoever sees the account or the room is sent it, again and again. */
const LONGEST = 10_000;

/** A plain object that either store can hold, and not a large one. */
export const Storable = Match.Where(
	(value): value is Record<string, unknown> =>
		Match.test(value, Object) && isStorable(value) && JSON.stringify(value).length <= LONGEST,
);
