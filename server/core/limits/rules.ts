/** Which rules are about which calls and subscriptions (`test/contract/ddp.md` section 14): found once, when a server is built. */
import type { Limit, RateEvent, RateRule } from '../../../shared/limit.js';
import type { Method } from '../../../shared/method.js';
import type { Publication } from '../../../shared/publication.js';
import { addressKey } from './address.js';
import { type Counter, createCounter } from './counter.js';

/** What of a server's catalogue there are limits for. */
export interface Limited {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	/** Rules beside the limits in definitions. */
	readonly limits?: readonly RateRule[];
}

/** A rule at work. */
export interface Rule extends Pick<RateRule, 'callback' | 'message'> {
	readonly id: string;
	readonly counter: Counter;
	/** Whether it may be about what has this name. */
	appliesTo(type: RateEvent['type'], name: string): boolean;
	/** What an event of such a name is counted under; null where the rule is not about it. */
	keyOf(event: RateEvent): string | null;
}

export type RulesByName = Readonly<Record<RateEvent['type'], ReadonlyMap<string, readonly Rule[]>>>;

/** What a rule allows that does not say it; Meteor's. */
const DEFAULT: Limit = { calls: 10, per: 1000 };

/** Keys of events that differ from one caller to the next. */
const CALLERS = ['userId', 'clientAddress', 'connectionId'] as const;

function matches(matcher: unknown, value: unknown): boolean {
	if (typeof matcher === 'function') return Boolean(matcher(value));
	if (Array.isArray(matcher)) return matcher.includes(value);
	return matcher === null || matcher === undefined || matcher === value;
}

function countedValue(event: RateEvent, key: keyof RateEvent): string | null {
	return key === 'clientAddress' ? addressKey(event.clientAddress) : event[key];
}

function createRule(rule: RateRule, id: string): Rule {
	const { matcher, calls = DEFAULT.calls, per = DEFAULT.per, callback, message } = rule;
	const asked = CALLERS.filter((key) => (matcher[key] ?? null) !== null);
	// Of a value, or a list of values, there is one count: only what a function lets through has many.
	const counted = (['type', 'name', ...CALLERS] as const).filter((key) => typeof matcher[key] === 'function');
	const [first, second] = counted;
	return {
		id,
		callback,
		message,
		counter: createCounter({ calls, per }),
		appliesTo: (type, name) => matches(matcher.type, type) && matches(matcher.name, name),
		keyOf(event) {
			for (const key of asked) if (!matches(matcher[key], event[key])) return null;
			if (first === undefined) return '';
			// Most rules count by one value, and such a key is made for every call.
			if (second === undefined) return countedValue(event, first) ?? '';
			return JSON.stringify(counted.map((key) => countedValue(event, key)));
		},
	};
}

/** The limit in a definition: for each user, and for each address where nobody is logged in. */
function rulesOfLimit(type: RateEvent['type'], name: string, limit: Limit): RateRule[] {
	return [
		{ ...limit, id: name, matcher: { type, name, userId: (userId) => userId !== null } },
		{ ...limit, id: name, matcher: { type, name, userId: (userId) => userId === null, clientAddress: () => true } },
	];
}

/**
 * Finds the rules for each name.
 * @throws Error for a limit that is none
 */
export function rulesByName({ methods, publications, limits = [] }: Limited): RulesByName {
	const general = limits.map((rule, i) => createRule(rule, rule.id ?? String(i)));

	function find(
		type: RateEvent['type'],
		definitions: readonly { readonly name: string | null; readonly limit: Limit | undefined }[],
	): ReadonlyMap<string, readonly Rule[]> {
		const found = new Map<string, readonly Rule[]>();
		for (const { name, limit } of definitions) {
			// Nobody asks for a universal publication.
			if (name === null) continue;
			const own = limit ? rulesOfLimit(type, name, limit) : [];
			const its = [
				...general.filter((rule) => rule.appliesTo(type, name)),
				...own.map((rule) => createRule(rule, name)),
			];
			if (its.length > 0) found.set(name, its);
		}
		return found;
	}

	return { method: find('method', methods), subscription: find('subscription', publications) };
}
