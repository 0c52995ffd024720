/**
 * Rate limits of calls and subscriptions (`test/contract/ddp.md` section 14). Calls over DDP and REST are counted
 * together. A name without a rule has no limit.
 */
import { tooManyRequests } from '../../../shared/errors.js';
import type { RateEvent, RateMessage, RateOutcome } from '../../../shared/limit.js';
import type { Log } from '../../../shared/log.js';
import { callListener } from '../callListener.js';
import type { LimitKind, ServerObserver } from '../observer.js';
import { type Attempt, limitAttempts } from './attempts.js';
import { type Counters, memoryCounters, type RateLimitResult } from './counters.js';
import { type LimitedDefinitions, type RateLimitClient, type Rule, rulesByName } from './rules.js';

/** `dry-run` refuses no call, and only logs the calls that would have been refused. */
export type RateLimitMode = 'on' | 'off' | 'dry-run';

function isStricter(result: RateLimitResult, other: RateLimitResult): boolean {
	if (result.allowed !== other.allowed) return !result.allowed;
	return result.allowed ? result.remaining < other.remaining : result.timeToReset > other.timeToReset;
}

/** There must be at least one result. */
function strictestOf(results: readonly RateLimitResult[]): RateLimitResult {
	return results.reduce((strictest, result) => (isStricter(result, strictest) ? result : strictest));
}

export interface RateLimits {
	/**
	 * Counts a call or a subscription, and passes the strictest result to the client's `onRateLimit`, except in `dry-run`.
	 * @returns undefined if no rule applies
	 * @throws ClientError `too-many-requests`
	 */
	count(type: RateEvent['type'], name: string, client: RateLimitClient): Promise<void> | undefined;
	/** See `Attempt`. @throws ClientError `too-many-requests` */
	readonly attempt: Attempt;
}

function eventOf(
	type: RateEvent['type'],
	name: string,
	{ userId, clientAddress, connectionId }: RateLimitClient,
): RateEvent {
	return { type, name, userId, clientAddress, connectionId: connectionId ?? null };
}

function outcomeOf({ id }: Rule, { allowed, timeToReset, remaining }: RateLimitResult): RateOutcome {
	return { allowed, timeToReset, numInvocationsLeft: remaining, ruleId: id };
}

export interface RateLimitOptions {
	readonly mode: 'on' | 'dry-run';
	readonly log: Log;
	readonly observer?: Pick<ServerObserver, 'onLimit'> | undefined;
	readonly counters?: Counters | undefined;
	/** Error text for calls that a rule without a message refuses. */
	readonly message?: RateMessage | undefined;
	/**
	 * Whether a user has the permission `api-bypass-rate-limit`. Called only when a call would be refused, and not for
	 * attempts to authenticate.
	 */
	isExempt?(userId: string): Promise<boolean>;
}

/**
 * Makes the limits of a server.
 * @throws Error for an invalid limit
 */
export function createRateLimits(definitions: LimitedDefinitions, options: RateLimitOptions): RateLimits {
	const { mode, log, observer, message, isExempt, counters = memoryCounters() } = options;
	const rules = rulesByName(definitions, counters);

	/** The key under which an event is counted. Null if the rule does not apply, or its matcher throws. */
	function keyOf(rule: Rule, event: RateEvent): string | null {
		try {
			return rule.keyOf(event);
		} catch (err) {
			log.error({ err, rule: rule.id }, 'Exception in a matcher of a rate limit');
			return null;
		}
	}

	function runCallback({ id, callback }: Rule, outcome: RateOutcome, event: RateEvent): void {
		const logFailure = (err: unknown) => log.error({ err, rule: id }, 'Exception in a callback of a rate limit');
		void callListener(() => callback?.(outcome, event), logFailure);
	}

	/** The text of the error. Undefined: Meteor's text. */
	function reasonOf(rule: Rule, result: RateLimitResult): string | undefined {
		const text = rule.message ?? message;
		if (typeof text !== 'function') return text;
		try {
			return text(outcomeOf(rule, result));
		} catch (err) {
			log.error({ err, rule: rule.id }, 'Exception in a message of a rate limit');
			return undefined;
		}
	}

	async function isExemptCaller(userId: string | null): Promise<boolean> {
		if (userId === null || !isExempt) return false;
		try {
			return await isExempt(userId);
		} catch (err) {
			log.error({ err, userId }, 'It is not known whether a user is exempt from rate limits');
			return false;
		}
	}

	/**
	 * Refuses a call or an attempt that is over its limit.
	 * @param rule absent for `attempt`
	 * @throws ClientError `too-many-requests`, unless `mode` is `dry-run`
	 */
	function requireAllowed(
		result: RateLimitResult,
		{ type, name, userId, clientAddress }: RateEvent,
		rule?: Rule,
	): void {
		if (result.allowed) return;
		const kind: LimitKind = rule ? type : 'password';
		observer?.onLimit(kind, mode === 'on');
		const { limit, timeToReset } = result;
		const facts = { [type]: name, userId, clientAddress, limit, timeToReset };
		if (mode === 'dry-run') {
			log.info(facts, 'Too many requests: would be refused');
			return;
		}
		log.debug(facts, 'Too many requests');
		throw tooManyRequests(timeToReset, rule && reasonOf(rule, result));
	}

	async function applyResults(
		matching: Rule[],
		counting: Promise<RateLimitResult>[],
		event: RateEvent,
		client: RateLimitClient,
	): Promise<void> {
		const results = await Promise.all(counting);
		results.forEach((result, i) => {
			const rule = matching[i] as Rule;
			if (rule.callback) runCallback(rule, outcomeOf(rule, result), event);
		});
		const result = strictestOf(results);
		if (mode === 'on') client.onRateLimit?.(result);
		if (!result.allowed && (await isExemptCaller(event.userId))) return;
		requireAllowed(result, event, matching[results.indexOf(result)]);
	}

	return {
		count(type, name, client) {
			const candidates = rules[type].get(name);
			if (!candidates) return undefined;
			const event = eventOf(type, name, client);
			const matching: Rule[] = [];
			const counting: Promise<RateLimitResult>[] = [];
			for (const rule of candidates) {
				const key = keyOf(rule, event);
				if (key === null) continue;
				matching.push(rule);
				counting.push(rule.counter.count(key));
			}
			return matching.length > 0 ? applyResults(matching, counting, event, client) : undefined;
		},
		attempt: limitAttempts(
			(result, method, caller) => requireAllowed(result, eventOf('method', method, caller)),
			counters,
		),
	};
}
