/** Types of rate limits and their rules (`test/contract/ddp.md` section 14). */

export interface Limit {
	/** Calls that are allowed in a window; the next is refused. */
	readonly calls: number;
	/** Length of the window, in ms. */
	readonly per: number;
}

/** An event that is counted: a call of a method, or a subscription. */
export interface RateEvent {
	readonly type: 'method' | 'subscription';
	/** Of the method or the publication; those of streams are `stream-<name>`. */
	readonly name: string;
	/** Null where nobody is logged in. */
	readonly userId: string | null;
	/** Network address of the client, null where it is unknown. */
	readonly clientAddress: string | null;
	/** Null over REST. A rule for connections alone has `(id) => id !== null`. */
	readonly connectionId: string | null;
}

/** Condition of a rule on one value of an event. */
export type ValueMatcher<T> =
	/** This very value. */
	| NonNullable<T>
	/** One of these, which are counted together. */
	| readonly NonNullable<T>[]
	/** One for which it returns something truthy, at once; each is counted by itself. */
	| ((value: T) => unknown)
	/** Anything, counted together. */
	| null;

/**
 * Which events a rule is about. Keys left out are not looked at. Functions for `type` and `name` are asked once for each
 * name there is, when the server is built; where one for another key throws, that is logged and the rule not counted.
 */
export type RateMatcher = { readonly [K in keyof RateEvent]?: ValueMatcher<RateEvent[K]> };

/** How an event stands with one rule. */
export interface RateOutcome {
	readonly allowed: boolean;
	/** ms until the next window: a whole number, at least 1. */
	readonly timeToReset: number;
	/** How often it is allowed still in this window. */
	readonly numInvocationsLeft: number;
	readonly ruleId: string;
}

/** Text of a refusal, in place of Meteor's. */
export type RateMessage = string | ((outcome: RateOutcome) => string);

/**
 * A rule: how often what its matcher matches is allowed, counted for each combination of the values its functions look
 * at. With `connectionId: () => true` each connection is counted by itself. An IPv6 address is counted as its /64. What
 * is refused counts too.
 */
export interface RateRule {
	/** What it is called in outcomes. Default: its place among the rules, from `0`. */
	readonly id?: string;
	readonly matcher: RateMatcher;
	/** How often it is allowed in a window. Default 10. */
	readonly calls?: number;
	/** Length of the window, in ms. Default 1,000. */
	readonly per?: number;
	/** Called for each event that the rule matches, allowed or not. It is not awaited; its errors are logged. */
	readonly callback?: (outcome: RateOutcome, event: RateEvent) => void | Promise<void>;
	/** Text of this rule's refusals. Default: the text for all rules. */
	readonly message?: RateMessage;
}
