/**
 * How often who may call or subscribe (`test/contract/ddp.md` section 14), by the rules of the catalogue and the limits in
 * definitions. By whichever door a call comes in, it is counted in the same place. What no rule is about has no limit: the
 * calls of a connection are served one after another. Each process counts for itself.
 */
import { tooManyRequests } from '../../../shared/errors.js';
import type { RateEvent, RateMessage, RateOutcome } from '../../../shared/limit.js';
import type { Log } from '../../../shared/log.js';
import type { Caller } from '../caller.js';
import { type Attempt, limitAttempts } from './attempts.js';
import { type RateLimitResult, strictest } from './counter.js';
import { type Limited, type Rule, rulesByName } from './rules.js';

/** `dry-run` refuses nobody and only logs who would have been. */
export type RateLimitMode = 'on' | 'off' | 'dry-run';

/** Whoever calls or subscribes. */
export type Client = Pick<Caller, 'userId' | 'clientAddress' | 'connectionId' | 'onRateLimit'>;

export interface RateLimits {
	/**
	 * Counts a call or a subscription and tells the client's `counted` how it stands; undefined where no rule is about it.
	 * @throws ClientError `too-many-requests`
	 */
	count(type: RateEvent['type'], name: string, client: Client): Promise<void> | undefined;
	/** @throws ClientError `too-many-requests` */
	readonly attempt: Attempt;
}

function eventOf(type: RateEvent['type'], name: string, { userId, clientAddress, connectionId }: Client): RateEvent {
	return { type, name, userId, clientAddress, connectionId: connectionId ?? null };
}

function outcomeOf({ id }: Rule, { allowed, timeToReset, remaining }: RateLimitResult): RateOutcome {
	return { allowed, timeToReset, numInvocationsLeft: remaining, ruleId: id };
}

export interface RateLimitOptions {
	readonly mode: 'on' | 'dry-run';
	readonly log: Log;
	/** What those are told who are refused by a rule without a message of its own. */
	readonly message?: RateMessage | undefined;
	/**
	 * Whether a user is refused nothing for its number, only guesses at passwords: whoever holds `api-bypass-rate-limit`.
	 * Asked when something would be refused.
	 */
	isExempt?(userId: string): Promise<boolean>;
}

/**
 * Makes the limits of a server that offers this.
 * @throws Error for a limit that is none
 */
export function createRateLimits(offered: Limited, { mode, log, message, isExempt }: RateLimitOptions): RateLimits {
	const rules = rulesByName(offered);

	/** What an event is counted under; null, too, where a matcher fails. */
	function keyOf(rule: Rule, event: RateEvent): string | null {
		try {
			return rule.keyOf(event);
		} catch (err) {
			log.error({ err, rule: rule.id }, 'Exception in a matcher of a rate limit');
			return null;
		}
	}

	function tell({ id, callback }: Rule, outcome: RateOutcome, event: RateEvent): void {
		const failed = (err: unknown) => log.error({ err, rule: id }, 'Exception in a callback of a rate limit');
		try {
			callback?.(outcome, event)?.catch(failed);
		} catch (err) {
			failed(err);
		}
	}

	/** What whoever is refused is told instead of the usual sentence. */
	function reasonOf(rule: Rule, tally: RateLimitResult): string | undefined {
		const chosen = rule.message ?? message;
		if (typeof chosen !== 'function') return chosen;
		try {
			return chosen(outcomeOf(rule, tally));
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
			log.error({ err, userId }, 'Whether a user is exempt from rate limits could not be told');
			return false;
		}
	}

	/** @param rule the one that refuses; none where no rule does */
	function demand(tally: RateLimitResult, { type, name, userId, clientAddress }: RateEvent, rule?: Rule): void {
		if (tally.allowed) return;
		const { limit, timeToReset } = tally;
		const facts = { [type]: name, userId, clientAddress, limit, timeToReset };
		if (mode === 'dry-run') {
			log.info(facts, 'Too many requests: would be refused');
			return;
		}
		log.debug(facts, 'Too many requests');
		throw tooManyRequests(timeToReset, rule && reasonOf(rule, tally));
	}

	async function judge(
		matching: Rule[],
		counting: Promise<RateLimitResult>[],
		event: RateEvent,
		client: Client,
	): Promise<void> {
		const tallies = await Promise.all(counting);
		tallies.forEach((tally, i) => {
			const rule = matching[i] as Rule;
			if (rule.callback) tell(rule, outcomeOf(rule, tally), event);
		});
		const tally = strictest(tallies);
		if (mode === 'on') client.onRateLimit?.(tally);
		if (!tally.allowed && (await isExemptCaller(event.userId))) return;
		demand(tally, event, matching[tallies.indexOf(tally)]);
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
			return matching.length > 0 ? judge(matching, counting, event, client) : undefined;
		},
		attempt: limitAttempts((tally, method, caller) => demand(tally, eventOf('method', method, caller))),
	};
}
