/** Rules that limit how often clients may call and subscribe (`test/contract/ddp.md` section 14). */
import type { Limit, RateEvent, RateMatcher, RateRule } from '../../../shared/limit.js';
import type { Method } from '../../../shared/method.js';
import type { Publication } from '../../../shared/publication.js';
import { addressKey } from './address.js';
import type { Counters, RateCounter, RateLimitResult } from './counters.js';

export interface RateLimitClient {
	readonly userId: string | null;
	/** Null if unknown. */
	readonly clientAddress: string | null;
	/** Absent over REST. */
	readonly connectionId?: string | undefined;
	onRateLimit?(result: RateLimitResult): void;
}

export interface LimitedDefinitions {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	/** Rules beside the limits in definitions. */
	readonly limits?: readonly RateRule[];
}

export interface Rule extends Pick<RateRule, 'callback' | 'message'> {
	readonly id: string;
	readonly counter: RateCounter;
	/** Whether the rule can match events of this name. */
	appliesTo(type: RateEvent['type'], name: string): boolean;
	/** The key of the count; null if the rule does not match the event. */
	keyOf(event: RateEvent): string | null;
}

export type RulesByName = Readonly<Record<RateEvent['type'], ReadonlyMap<string, readonly Rule[]>>>;

/** Meteor's defaults, for rules without `calls` or without `per`. */
export const DEFAULT_LIMIT: Limit = { calls: 10, per: 1000 };

const CALLER_FIELDS = ['userId', 'clientAddress', 'connectionId'] as const;

/** Whether a matcher of a rule accepts a value. */
export function matches(matcher: unknown, value: unknown): boolean {
	if (typeof matcher === 'function') return Boolean(matcher(value));
	if (Array.isArray(matcher)) return matcher.includes(value);
	return matcher === null || matcher === undefined || matcher === value;
}

/** Whether a rule applies to a connection, or to REST if `id` is null. A rule whose function throws does not apply. */
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
 * Whether a rule has one count for each connection, and none for REST. Such a count is kept in one process, because
 * each connection belongs to one process.
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
	// `appliesTo` tests the conditions on the type and the name.
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
			// A fast path, because most rules count by one value.
			if (second === undefined) return countedValue(event, first) ?? '';
			return JSON.stringify(countedKeys.map((key) => countedValue(event, key)));
		},
	};
}

/**
 * The rules for the limit in a definition. The first rule counts by user. The second counts by address the callers who
 * are not logged in.
 */
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
