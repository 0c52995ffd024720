/** Arguments of paginated lists (`test/contract/beyond.md` T3). */
import { Match, WholeNumber } from '../../shared/match.js';

const MAX_COUNT = 100;
const DEFAULT_COUNT = 50;

/** `count`: how many entries; `offset`: how many to skip. */
export const Page = { count: Match.Optional(WholeNumber), offset: Match.Optional(WholeNumber) } as const;

/** The page to read: 50 entries by default, never more than 100. A count of 0 means the maximum. */
export function pageOf({ count = DEFAULT_COUNT, offset = 0 }: { count?: number; offset?: number }): {
	count: number;
	offset: number;
} {
	return { count: Math.min(count || MAX_COUNT, MAX_COUNT), offset };
}
