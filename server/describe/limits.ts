/** The rate limits of a method or publication, as OpenAPI and AsyncAPI show them. */

import type { Limit, RateEvent, RateRule } from '../../shared/limit.js';
import type { Method } from '../../shared/method.js';
import { acceptsConnection, DEFAULT_LIMIT, matches } from '../core/limits/rules.js';
import { formatLimit } from './limitText.js';

/** A limit in an OpenAPI or AsyncAPI document. */
export interface DescribedLimit extends Limit {
	/** Whose calls are counted together, such as `user`, or `address, over REST`: the calls of one address over REST. */
	readonly countedBy: string;
}

/** The keys by which a rule may count, and their names in the documents. */
const COUNT_KEYS: readonly (readonly [key: 'userId' | 'clientAddress' | 'connectionId', text: string])[] = [
	['userId', 'user'],
	['clientAddress', 'address'],
	['connectionId', 'connection'],
];

/** A rule that accepts this id is taken to accept every connection. */
const ANY_CONNECTION = 'any-connection';

/** What a rule counts by: the keys whose matcher is a function. */
function countKeysText({ matcher }: RateRule): string {
	const countKeys = COUNT_KEYS.filter(([key]) => typeof matcher[key] === 'function').map(([, text]) => text);
	// Calls over REST have no connection, so a rule that counts by connection counts them together.
	const countsRestTogether = typeof matcher.connectionId === 'function' && acceptsConnection(matcher, null);
	if (!countsRestTogether) return countKeys.join(' and ') || 'server';
	if (acceptsConnection(matcher, ANY_CONNECTION)) return `${countKeys.join(' and ')}, with REST as one connection`;
	return `${countKeys.filter((key) => key !== 'connection').join(' and ') || 'server'}, over REST`;
}

const rulesFor = (type: RateEvent['type'], name: string, rules: readonly RateRule[]) =>
	rules.filter(({ matcher }) => matches(matcher.type, type) && matches(matcher.name, name));

/** Whether calls of a method over REST have a limit. */
export const isLimitedOverRest = ({ name, limit }: Method, rules: readonly RateRule[]): boolean =>
	limit !== undefined || rulesFor('method', name, rules).some(({ matcher }) => acceptsConnection(matcher, null));

/** The limits of a method or publication, from its definition and from the rules. */
export function limitsOf(
	type: RateEvent['type'],
	name: string,
	limit: Limit | undefined,
	rules: readonly RateRule[],
): DescribedLimit[] {
	const own = limit ? [{ calls: limit.calls, per: limit.per, countedBy: 'caller' }] : [];
	const others = rulesFor(type, name, rules).map((rule) => ({
		calls: rule.calls ?? DEFAULT_LIMIT.calls,
		per: rule.per ?? DEFAULT_LIMIT.per,
		countedBy: countKeysText(rule),
	}));
	return [...own, ...others];
}

/** The limits in words; undefined if there are none. */
export function limitsText(limits: readonly DescribedLimit[]): string | undefined {
	if (limits.length === 0) return undefined;
	return limits.map((limit) => `${formatLimit(limit)} of each ${limit.countedBy}`).join('; ');
}
