/** Lists that can grow are read a page at a time (`test/contract/beyond.md` T3). */
import { Match } from '../../shared/match.js';

const MAX_COUNT = 100;
const USUAL = 50;

const WholeNumber = Match.Where(
	(value): value is number => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 31,
);

/** The arguments of a list: how many, and how many to skip. */
export const Page = { count: Match.Optional(WholeNumber), offset: Match.Optional(WholeNumber) } as const;

/** How many are to be read: 50 by default, 100 at most; 0 means as many as are allowed. */
export function pageOf({ count = USUAL, offset = 0 }: { count?: number; offset?: number }): {
	count: number;
	offset: number;
} {
	return { count: Math.min(count || MAX_COUNT, MAX_COUNT), offset };
}
