/** Rate limits and their rules (`test/contract/ddp.md` section 14). */
import { isObject } from './isObject.js';
import { isTimerMs } from './timers.js';

export interface Limit {
	/** Number of allowed calls in a window. */
	readonly calls: number;
	/** Length of the window, in ms. */
	readonly per: number;
}

/** Whether a value is a limit: whole numbers from 1, and no other members. */
export function isLimit(value: unknown): value is Limit {
	if (!isObject(value)) return false;
	const { calls, per, ...others } = value;
	return Number.isSafeInteger(calls) && (calls as number) >= 1 && isTimerMs(per) && Object.keys(others).length === 0;
}

/** An event that rules count: a call of a method, or a subscription. */
export interface RateEvent {
	readonly type: 'method' | 'subscription';
	/** Name of the method or the publication; `stream-<name>` for a stream. */
	readonly name: string;
	/** Null if the caller is not logged in. */
	readonly userId: string | null;
	/** Null if unknown. */
	readonly clientAddress: string | null;
	/** Null over REST. The condition `(id) => id !== null` excludes REST from a rule. */
	readonly connectionId: string | null;
}

/** Condition on one value of an event. */
export type ValueMatcher<T> =
	/** Exactly this value. */
	| NonNullable<T>
	/** One of these values. They share one count. */
	| readonly NonNullable<T>[]
	/** Each value for which the synchronous function returns a truthy value. Each has its own count. */
	| ((value: T) => unknown)
	/** Any value. All share one count. */
	| null;

/**
 * Selects events. Absent keys match any value. Functions for `type` and `name` are called once for each name, at the
 * start. If another function throws, the error is logged and the rule does not count the event.
 */
export type RateMatcher = { readonly [K in keyof RateEvent]?: ValueMatcher<RateEvent[K]> };

/** What a rule decides about an event. */
export interface RateOutcome {
	readonly allowed: boolean;
	/** Whole ms until the next window, at least 1. */
	readonly timeToReset: number;
	readonly numInvocationsLeft: number;
	readonly ruleId: string;
}

/** Error text of a refused call. */
export type RateMessage = string | ((outcome: RateOutcome) => string);

/**
 * A rate limit for the events that its matcher selects. Refused events count too. Each combination of values that the
 * matcher's functions accept has its own count. With `connectionId: () => true` each connection has its own count. IPv6
 * addresses with the same first 64 bits count as one.
 */
export interface RateRule {
	/** Default: its index in the list of rules. */
	readonly id?: string;
	readonly matcher: RateMatcher;
	/** Allowed events in a window. Default 10. */
	readonly calls?: number;
	/** Length of the window, in ms. Default 1,000. */
	readonly per?: number;
	/**
	 * True: processes count each event in their shared store. Default: each counts in memory, and they exchange counts
	 * every second.
	 */
	readonly exact?: boolean;
	/** Called for each event that the rule matches, allowed or not. Not awaited. Errors are logged. */
	readonly callback?: (outcome: RateOutcome, event: RateEvent) => void | Promise<void>;
	/** Error text of refused calls. Default: the server's `limitMessage`. */
	readonly message?: RateMessage;
}
