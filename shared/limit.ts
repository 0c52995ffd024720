/** Rate limits and their rules (`test/contract/ddp.md` section 14). */
import { isObject } from './isObject.js';
import { isTimerMs } from './timers.js';

export interface Limit {
	/** Number of allowed calls in a window. */
	readonly calls: number;
	/** Length of the window, in ms. */
	readonly per: number;
}

/** Whether a value is a limit: whole numbers of calls and of ms, from 1, and no other members. */
export function isLimit(value: unknown): value is Limit {
	if (!isObject(value)) return false;
	const { calls, per, ...others } = value;
	return Number.isSafeInteger(calls) && (calls as number) >= 1 && isTimerMs(per) && Object.keys(others).length === 0;
}

/** An event that is counted: a call of a method, or a subscription. */
export interface RateEvent {
	readonly type: 'method' | 'subscription';
	/** Name of the method or the publication; `stream-<name>` for a stream. */
	readonly name: string;
	/** Null if the caller is not logged in. */
	readonly userId: string | null;
	/** Network address of the client, null if unknown. */
	readonly clientAddress: string | null;
	/** Null over REST. A rule that does not apply to REST has the condition `(id) => id !== null`. */
	readonly connectionId: string | null;
}

/** Condition of a rule on one value of an event. */
export type ValueMatcher<T> =
	/** Exactly this value. */
	| NonNullable<T>
	/** One of these values, which share one count. */
	| readonly NonNullable<T>[]
	/** Any value for which the synchronous function returns a truthy value; each value has its own count. */
	| ((value: T) => unknown)
	/** Any value; all share one count. */
	| null;

/**
 * Selects the events of a rule. Absent keys match any value. Functions for `type` and `name` are called once for each
 * name, at the start. If a function for another key throws, the error is logged and the rule does not count the event.
 */
export type RateMatcher = { readonly [K in keyof RateEvent]?: ValueMatcher<RateEvent[K]> };

/** What a rule decides about an event. */
export interface RateOutcome {
	readonly allowed: boolean;
	/** ms until the next window: a whole number, at least 1. */
	readonly timeToReset: number;
	/** Number of calls left in this window. */
	readonly numInvocationsLeft: number;
	readonly ruleId: string;
}

/** Error text of a refused call, instead of Meteor's. */
export type RateMessage = string | ((outcome: RateOutcome) => string);

/**
 * A rate limit for the events that its matcher selects. Each combination of values that the matcher's functions accept
 * has its own count: with `connectionId: () => true` each connection has its own count. IPv6 addresses with the same first
 * 64 bits count as one address. Refused events count too.
 */
export interface RateRule {
	/** Its id in outcomes. Default: its index in the list of rules. */
	readonly id?: string;
	readonly matcher: RateMatcher;
	/** Number of allowed events in a window. Default 10. */
	readonly calls?: number;
	/** Length of the window, in ms. Default 1,000. */
	readonly per?: number;
	/**
	 * True: processes that share a store count each event in the store, so that the limit is exact. Default: each process
	 * counts in memory and exchanges its counts with the others every second.
	 */
	readonly exact?: boolean;
	/** Called for each event that the rule matches, allowed or not. Not awaited; errors are logged. */
	readonly callback?: (outcome: RateOutcome, event: RateEvent) => void | Promise<void>;
	/** Error text of calls that this rule refuses. Default: the server's `limitMessage`. */
	readonly message?: RateMessage;
}
