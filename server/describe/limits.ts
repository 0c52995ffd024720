/** The rate limits of a method or publication, as the documents show them. */

import type { Limit, RateEvent, RateRule } from '../../shared/limit.js';
import { DEFAULT_LIMIT, matches } from '../core/limits/rules.js';
import { formatLimit } from './limitText.js';

/** A limit in a document. */
export interface DescribedLimit extends Limit {
	/** Who has a separate count, such as `user` or `address, over REST`. */
	readonly countedBy: string;
}

/** The keys for which a rule may have separate counts, and their names in the documents. */
const COUNTED: readonly (readonly [key: 'userId' | 'clientAddress' | 'connectionId', text: string])[] = [
	['userId', 'user'],
	['clientAddress', 'address'],
	['connectionId', 'connection'],
];

function countedBy({ matcher }: RateRule): string {
	const keys = COUNTED.filter(([key]) => typeof matcher[key] === 'function').map(([, text]) => text);
	// A rule that accepts `connectionId: null` is one for REST.
	const isRest = typeof matcher.connectionId === 'function' && matches(matcher.connectionId, null);
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
	const selected = rules.filter(({ matcher }) => matches(matcher.type, type) && matches(matcher.name, name));
	const others = selected.map((rule) => ({
		calls: rule.calls ?? DEFAULT_LIMIT.calls,
		per: rule.per ?? DEFAULT_LIMIT.per,
		countedBy: countedBy(rule),
	}));
	return [...own, ...others];
}

/** The limits in words; undefined if there are none. */
export function limitsText(limits: readonly DescribedLimit[]): string | undefined {
	if (limits.length === 0) return undefined;
	return limits.map((limit) => `${formatLimit(limit)} of each ${limit.countedBy}`).join('; ');
}
