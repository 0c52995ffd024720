/** The rate limits of a method or publication, as the documents show them. */
import type { Limit, RateEvent, RateRule, ValueMatcher } from '../../shared/limit.js';
import { formatLimit } from './limitText.js';

/** A limit in a document. */
export interface DescribedLimit extends Limit {
	/** Who has a separate count, such as `user` or `address, over REST`. */
	readonly countedBy: string;
}

const DEFAULT_CALLS = 10;
const DEFAULT_PER_MS = 1000;

/** The keys for which a rule may have separate counts, and their names in the documents. */
const COUNTED: readonly (readonly [key: 'userId' | 'clientAddress' | 'connectionId', text: string])[] = [
	['userId', 'user'],
	['clientAddress', 'address'],
	['connectionId', 'connection'],
];

function accepts<T>(matcher: ValueMatcher<T> | undefined, value: T): boolean {
	if (matcher === undefined || matcher === null) return true;
	if (typeof matcher === 'function') return Boolean((matcher as (value: T) => unknown)(value));
	return Array.isArray(matcher) ? matcher.includes(value) : matcher === value;
}

function countedBy({ matcher }: RateRule): string {
	const keys = COUNTED.filter(([key]) => typeof matcher[key] === 'function').map(([, text]) => text);
	// A rule that accepts `connectionId: null` is one for REST.
	const isRest = typeof matcher.connectionId === 'function' && accepts(matcher.connectionId, null);
	const by = keys.filter((key) => key !== 'connection' || !isRest).join(' and ') || 'server';
	return isRest ? `${by}, over REST` : by;
}

/** The limits of a method or publication: that in its definition, and those of the rules that select its name. */
export function limitsOf(
	type: RateEvent['type'],
	name: string,
	limit: Limit | undefined,
	rules: readonly RateRule[],
): DescribedLimit[] {
	const own = limit ? [{ calls: limit.calls, per: limit.per, countedBy: 'caller' }] : [];
	const selected = rules.filter(({ matcher }) => accepts(matcher.type, type) && accepts(matcher.name, name));
	const others = selected.map((rule) => ({
		calls: rule.calls ?? DEFAULT_CALLS,
		per: rule.per ?? DEFAULT_PER_MS,
		countedBy: countedBy(rule),
	}));
	return [...own, ...others];
}

/** The limits in words; undefined if there are none. */
export function limitsText(limits: readonly DescribedLimit[]): string | undefined {
	if (limits.length === 0) return undefined;
	return limits.map((limit) => `${formatLimit(limit)} of each ${limit.countedBy}`).join('; ');
}
