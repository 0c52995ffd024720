/** Counters for rate limits, in memory. `sharedCounters.ts` makes the counters of processes that share a store. */
// Not the index of `rate-limiter-flexible`, which loads the limiters of a dozen databases.
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import { ExpiringCache } from '../../../shared/expiringCache.js';
import { isLimit, type Limit } from '../../../shared/limit.js';

/** The state of a counter after it has counted a call. */
export interface RateLimitResult {
	readonly allowed: boolean;
	/** Allowed calls in a window. */
	readonly limit: number;
	readonly remaining: number;
	/** ms until the next window: a whole number, at least 1. */
	readonly timeToReset: number;
}

/** @param msLeft ms until the window ends */
export function resultOf({ calls }: Limit, count: number, msLeft: number): RateLimitResult {
	return {
		allowed: count <= calls,
		limit: calls,
		remaining: Math.max(0, calls - count),
		timeToReset: Math.max(1, Math.round(msLeft)),
	};
}

export interface RateCounter {
	/** Counts one call: with a limit of N, N are allowed. */
	count(key: string): Promise<RateLimitResult>;
}

/** A counter from which a counted call can be subtracted again. */
export interface RefundableCounter extends RateCounter {
	refund(key: string): Promise<void>;
	forget(key: string): Promise<void>;
}

/** @throws Error for an invalid limit */
export function requireLimit({ calls, per }: Limit): void {
	if (!isLimit({ calls, per })) {
		throw new Error(`A limit must be whole numbers of calls and ms, not ${calls} per ${per}`);
	}
}

export interface MemoryCounter extends RefundableCounter {
	/** Adds calls that another process has counted. @param end the end of their window, in epoch ms */
	add(key: string, calls: number, end: number): Promise<void>;
}

/**
 * Makes a counter in memory. The window of a key begins with its first count and ends after `per`. Meteor has one
 * window for all keys of a rule: there, a caller who starts late in the window can make twice as many calls in a short
 * time.
 * @throws Error for an invalid limit
 */
export function createCounter(limit: Limit): MemoryCounter {
	requireLimit(limit);
	const limiter = new RateLimiterMemory({ points: limit.calls, duration: limit.per / 1000 });
	return {
		async count(key) {
			// `penalty` counts as `consume` does, but does not throw for a refused call.
			const { consumedPoints, msBeforeNext } = await limiter.penalty(key);
			return resultOf(limit, consumedPoints, msBeforeNext);
		},
		async add(key, calls, end) {
			const customDuration = (end - Date.now()) / 1000;
			if (customDuration > 0) await limiter.penalty(key, calls, { customDuration });
		},
		async refund(key) {
			const counted = await limiter.get(key);
			// The window may have ended meanwhile. A refund would then begin a window in which one more call is allowed.
			if (counted && counted.consumedPoints > 0 && counted.msBeforeNext > 0) await limiter.reward(key);
		},
		async forget(key) {
			await limiter.delete(key);
		},
	};
}

/** Pairs of an account and an address from which an attempt to authenticate as this account has succeeded. */
export interface KnownPairs {
	has(pair: string): Promise<boolean>;
	add(pair: string): Promise<void>;
}

/** How long a pair is known, in ms. */
export const KNOWN_MS = 30 * 24 * 60 * 60 * 1000;

/** Maximum number of pairs in memory. */
export const MAX_KNOWN = 100_000;

/** Makes the counters of a server. A name identifies a counter in all processes of a service. */
export interface Counters {
	/** Counts calls of this process alone, such as those of one connection. */
	process(name: string, limit: Limit): RateCounter;
	/** Counts calls. Processes that share a store learn the counts of the others once a second. */
	approximate(name: string, limit: Limit): RateCounter;
	/** Counts exactly over all processes. In a shared store, that takes writes: see `storeCounter.ts`. */
	exact(name: string, limit: Limit): RefundableCounter;
	readonly knownPairs: KnownPairs;
}

/** Makes the counters of a server that is alone with its store. */
export function memoryCounters(): Counters {
	const create = (_name: string, limit: Limit) => createCounter(limit);
	const known = new ExpiringCache<1>({ ttl: KNOWN_MS, max: MAX_KNOWN });
	return {
		process: create,
		approximate: create,
		exact: create,
		knownPairs: {
			has: async (pair) => known.get(pair) !== undefined,
			add: async (pair) => known.set(pair, 1),
		},
	};
}
