/** Counts against one limit. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Limit } from '../../../shared/limit.js';

/** How a key stands with a limit after it was counted. */
export interface RateLimitResult {
	readonly allowed: boolean;
	/** Calls that are allowed in a window. */
	readonly limit: number;
	/** Calls that are left in this window. */
	readonly remaining: number;
	/** ms until the next window: a whole number, at least 1. */
	readonly timeToReset: number;
}

export interface Counter {
	/** Counts once, then tells: with a limit of N, N are allowed. */
	count(key: string): Promise<RateLimitResult>;
	/** Takes back one count. */
	refund(key: string): Promise<void>;
	/** Forgets all counts of a key. */
	forget(key: string): Promise<void>;
}

/** Longest window, in ms: what a timer of Node can wait. */
const MAX_SECONDS = 2 ** 31 - 1;

/**
 * Makes a counter. The window of a key begins with its first count and ends after `per`. (In Meteor all keys of a rule
 * share one window: whoever came late in it got twice as many calls.)
 * @throws Error for a limit that is none
 */
export function createCounter({ calls, per }: Limit): Counter {
	if (!Number.isInteger(calls) || calls < 1 || !Number.isInteger(per) || per < 1 || per > MAX_SECONDS) {
		throw new Error(`A limit must be whole numbers of calls and ms, not ${calls} per ${per}`);
	}
	const limiter = new RateLimiterMemory({ points: calls, duration: per / 1000 });
	return {
		async count(key) {
			// What it calls a penalty is `consume` without an exception for those who are refused.
			const { consumedPoints, remainingPoints, msBeforeNext } = await limiter.penalty(key);
			return {
				allowed: consumedPoints <= calls,
				limit: calls,
				remaining: remainingPoints,
				timeToReset: Math.max(1, Math.round(msBeforeNext)),
			};
		},
		async refund(key) {
			await limiter.reward(key);
		},
		async forget(key) {
			await limiter.delete(key);
		},
	};
}

/** Which of several tallies (at least one) a caller has to go by: the refusal that lasts longest, or else the one with least left. */
export function strictest(tallies: readonly RateLimitResult[]): RateLimitResult {
	return tallies.reduce((strict, tally) => {
		if (tally.allowed !== strict.allowed) return tally.allowed ? strict : tally;
		if (tally.allowed) return tally.remaining < strict.remaining ? tally : strict;
		return tally.timeToReset > strict.timeToReset ? tally : strict;
	});
}
