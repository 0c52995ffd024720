/**
 * How often a caller may call (`contract/ddp.md` section 14). A method's limit stands in its definition, and by whichever
 * door a call comes in, it is counted in the same place. A method without a limit has none: the calls of a connection
 * are served one after another. Each process counts for itself.
 */
import { tooManyRequests } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import type { Method } from '../../shared/method.js';
import type { Caller } from '../caller.js';
import { addressKey } from './address.js';
import { type Attempt, limitAttempts } from './attempts.js';
import { type Counter, createCounter, strictest, type Tally } from './counter.js';

/** `dry-run` refuses nobody and only logs who would have been. */
export type RateLimitMode = 'on' | 'off' | 'dry-run';

export interface RateLimits {
	/**
	 * Counts a call and tells the caller's `counted` how it stands; undefined where no limit is about it.
	 * @throws ClientError `too-many-requests`
	 */
	count(method: string, caller: Caller): Promise<void> | undefined;
	/** @throws ClientError `too-many-requests` */
	readonly attempt: Attempt;
}

interface Rule {
	readonly counter: Counter;
	/** What a call is counted under; null where the rule is not about it. */
	keyOf(caller: Caller): string | null;
}

/** Meteor's default rule for accounts: together, for each connection. */
const ACCOUNTS = ['login', 'createUser', 'resetPassword', 'forgotPassword'];
const PER_CONNECTION = { calls: 5, per: 10_000 };
/** REST has no connections, and many people can share an address: ten times as much for each. */
const PER_ADDRESS = { calls: 50, per: 10_000 };

function userOrAddress({ userId, clientAddress }: Caller): string {
	return userId === null ? `address ${addressKey(clientAddress)}` : `user ${userId}`;
}

function rulesOf(methods: readonly Method[]): ReadonlyMap<string, readonly Rule[]> {
	const accounts: Rule[] = [
		{ counter: createCounter(PER_CONNECTION), keyOf: ({ connectionId }) => connectionId ?? null },
		{
			counter: createCounter(PER_ADDRESS),
			keyOf: ({ connectionId, clientAddress }) => (connectionId === undefined ? addressKey(clientAddress) : null),
		},
	];
	const rules = new Map<string, Rule[]>();
	for (const { name, limit } of methods) {
		const its: Rule[] = ACCOUNTS.includes(name) ? [...accounts] : [];
		if (limit) its.push({ counter: createCounter(limit), keyOf: userOrAddress });
		if (its.length > 0) rules.set(name, its);
	}
	return rules;
}

/**
 * Makes the limits of a server with these methods.
 * @param isExempt whether a user is refused no call for its number, only guesses at passwords: whoever holds
 * `api-bypass-rate-limit`. Asked when a call would be refused.
 * @throws Error for a definition whose limit is none
 */
export function createRateLimits(
	methods: readonly Method[],
	mode: 'on' | 'dry-run',
	log: Log,
	isExempt: (userId: string) => Promise<boolean> = async () => false,
): RateLimits {
	const rules = rulesOf(methods);

	function demand(tally: Tally, method: string, { userId, clientAddress }: Caller): void {
		if (tally.allowed) return;
		const { limit, timeToReset } = tally;
		const facts = { method, userId, clientAddress, limit, timeToReset };
		if (mode === 'dry-run') {
			log.info(facts, 'Too many requests: would be refused');
			return;
		}
		log.debug(facts, 'Too many requests');
		throw tooManyRequests(timeToReset);
	}

	async function countAll(counters: Promise<Tally>[], method: string, caller: Caller): Promise<void> {
		const tally = strictest(await Promise.all(counters));
		if (mode === 'on') caller.counted?.(tally);
		if (!tally.allowed && caller.userId !== null && (await isExempt(caller.userId))) return;
		demand(tally, method, caller);
	}

	return {
		count(method, caller) {
			const counters = [];
			for (const { counter, keyOf } of rules.get(method) ?? []) {
				const key = keyOf(caller);
				if (key !== null) counters.push(counter.count(key));
			}
			return counters.length > 0 ? countAll(counters, method, caller) : undefined;
		},
		attempt: limitAttempts(demand),
	};
}
