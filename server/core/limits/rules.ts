/**
 * Rules that limit how often clients may call and subscribe (`test/contract/ddp.md` section 14). The rules for each name
 * are found once, when a server is built.
 */
import type { Limit, RateEvent, RateMatcher, RateRule } from '../../../shared/limit.js';
import type { Method } from '../../../shared/method.js';
import type { Publication } from '../../../shared/publication.js';
import { addressKey } from './address.js';
import type { Counters, RateCounter, RateLimitResult } from './counters.js';

/** The client that calls or subscribes. */
export interface RateLimitClient {
	readonly userId: string | null;
	/** Network address, null if unknown. */
	readonly clientAddress: string | null;
	/** The id of the client's connection. Absent over REST. */
	readonly connectionId?: string | undefined;
	/** Receives the result of the rate limit. */
	onRateLimit?(result: RateLimitResult): void;
}

/** The parts of a server's catalogue that may have limits. */
export interface LimitedDefinitions {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	/** Rules beside the limits in definitions. */
	readonly limits?: readonly RateRule[];
}

/** A rule with its counter. */
export interface Rule extends Pick<RateRule, 'callback' | 'message'> {
	readonly id: string;
	readonly counter: RateCounter;
	/** Whether the rule can match events of this name. */
	appliesTo(type: RateEvent['type'], name: string): boolean;
	/** The key of the count of an event; null if the rule does not match the event. */
	keyOf(event: RateEvent): string | null;
}

export type RulesByName = Readonly<Record<RateEvent['type'], ReadonlyMap<string, readonly Rule[]>>>;

/** Meteor's defaults, for rules without `calls` or without `per`. */
export const DEFAULT_LIMIT: Limit = { calls: 10, per: 1000 };

/** The fields of an event that identify its caller. */
const CALLER_FIELDS = ['userId', 'clientAddress', 'connectionId'] as const;

/** Whether a matcher of a rule accepts a value. */
export function matches(matcher: unknown, value: unknown): boolean {
	if (typeof matcher === 'function') return Boolean(matcher(value));
	if (Array.isArray(matcher)) return matcher.includes(value);
	return matcher === null || matcher === undefined || matcher === value;
}

/**
 * Whether a rule applies to a connection, or to REST if `id` is null. False if the rule's function throws: such a rule
 * does not count the event.
 */
export function acceptsConnection({ connectionId }: RateMatcher, id: string | null): boolean {
	try {
		return matches(connectionId, id);
	} catch {
		return false;
	}
}

function countedValue(event: RateEvent, key: keyof RateEvent): string | null {
	return key === 'clientAddress' ? addressKey(event.clientAddress) : event[key];
}

/**
 * Whether a rule has one count for each connection, and does not apply to REST. Its calls need not be counted in other
 * processes, because each connection belongs to one process.
 */
function countsOnlyConnections(matcher: RateMatcher): boolean {
	return typeof matcher.connectionId === 'function' && !acceptsConnection(matcher, null);
}

/**
 * @param id names the rule for callbacks and in the log
 * @param name identifies the rule's counter in all processes of a service
 */
function createRule(rule: RateRule, id: string, name: string, counters: Counters): Rule {
	const { matcher, calls = DEFAULT_LIMIT.calls, per = DEFAULT_LIMIT.per, callback, message } = rule;
	// The conditions on the caller. `appliesTo` tests those on the type and the name.
	const matchedKeys = CALLER_FIELDS.filter((key) => matcher[key] !== undefined && matcher[key] !== null);
	// As in Meteor, a condition that is a function has one count for each value that it accepts. Any other condition has one
	// count for all values.
	const countedKeys = (['type', 'name', ...CALLER_FIELDS] as const).filter((key) => typeof matcher[key] === 'function');
	const [first, second] = countedKeys;
	const sharedScope = rule.exact ? 'exact' : 'approximate';
	const scope = countsOnlyConnections(matcher) ? 'process' : sharedScope;
	return {
		id,
		callback,
		message,
		counter: counters[scope](name, { calls, per }),
		appliesTo: (type, name) => matches(matcher.type, type) && matches(matcher.name, name),
		keyOf(event) {
			for (const key of matchedKeys) if (!matches(matcher[key], event[key])) return null;
			if (first === undefined) return '';
			// Most rules count by one value: a fast path for these.
			if (second === undefined) return countedValue(event, first) ?? '';
			return JSON.stringify(countedKeys.map((key) => countedValue(event, key)));
		},
	};
}

/** The rules for the limit in a definition: one counts by user, the other counts callers who are not logged in by address. */
function rulesOfLimit(type: RateEvent['type'], name: string, limit: Limit): RateRule[] {
	return [
		{ ...limit, id: name, matcher: { type, name, userId: (userId) => userId !== null } },
		{ ...limit, id: name, matcher: { type, name, userId: (userId) => userId === null, clientAddress: () => true } },
	];
}

/**
 * Finds the rules for each name.
 * @throws Error for an invalid limit
 */
export function rulesByName(
	{ methods, publications, limits = [] }: LimitedDefinitions,
	counters: Counters,
): RulesByName {
	const general = limits.map((rule, i) => createRule(rule, rule.id ?? String(i), `rule ${i}`, counters));

	function find(
		type: RateEvent['type'],
		definitions: readonly { readonly name: string | null; readonly limit: Limit | undefined }[],
	): ReadonlyMap<string, readonly Rule[]> {
		const found = new Map<string, readonly Rule[]>();
		for (const { name, limit } of definitions) {
			// Clients do not subscribe to universal publications.
			if (name === null) continue;
			const limitRules = limit ? rulesOfLimit(type, name, limit) : [];
			const rules = [
				...general.filter((rule) => rule.appliesTo(type, name)),
				...limitRules.map((rule, i) => createRule(rule, name, `${type} ${name} ${i}`, counters)),
			];
			if (rules.length > 0) found.set(name, rules);
		}
		return found;
	}

	return { method: find('method', methods), subscription: find('subscription', publications) };
}
