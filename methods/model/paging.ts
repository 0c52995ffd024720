/** Arguments and answers of paginated lists (`test/contract/beyond.md` T3). */
import { Match, WholeNumber } from '../../shared/match.js';

const MAX_COUNT = 100;
const DEFAULT_COUNT = 50;

/** `count`: how many entries; `offset`: how many to skip. */
export const Page = { count: Match.Optional(WholeNumber), offset: Match.Optional(WholeNumber) } as const;

export type PageArgs = { count?: number; offset?: number };

/** The page to read: 50 entries by default, at most 100. A `count` of 0 means 100. */
export function pageRange({ count = DEFAULT_COUNT, offset = 0 }: PageArgs): Required<PageArgs> {
	return { count: Math.min(count || MAX_COUNT, MAX_COUNT), offset };
}

/** One page of a list. `total` is the length of the whole list. */
export interface ListPage<T> {
	readonly entries: readonly T[];
	readonly offset: number;
	readonly total: number;
}

/** One page of a list that is in memory. */
export function pageOfList<T>(list: readonly T[], args: PageArgs): ListPage<T> {
	const { count, offset } = pageRange(args);
	return { entries: list.slice(offset, offset + count), offset, total: list.length };
}

/** The answer with a page. `name` is the field with its entries. */
export function pageAnswer(name: string, { entries, offset, total }: ListPage<unknown>): Record<string, unknown> {
	return { [name]: entries, count: entries.length, offset, total };
}
