/**
 * The rate limits in definitions of methods (`test/contract/beyond.md` T2), from which users with the permission
 * `api-bypass-rate-limit` are exempt; further rules; and the time limit of long methods.
 */
import type { Limit, RateRule } from '../shared/limit.js';

const MINUTE_MS = 60_000;

/** Methods that write: a write may notify many members, and the answer of a `once` method is cached for a time. */
export const WRITES: Limit = { calls: 600, per: MINUTE_MS };

/** Methods that only read. They run in parallel: no queue slows a client down, only this limit does. */
export const READS: Limit = { calls: 1200, per: MINUTE_MS };

/** Methods about the caller's own account. Some of them are slow: they compare passwords or search among all users. */
export const OWN_ACCOUNT: Limit = { calls: 60, per: MINUTE_MS };

/** Methods for keys: a client stores the keys of all its rooms and members in a burst. Rocket.Chat allows ten a minute. */
export const KEY_CALLS: Limit = { calls: 600, per: MINUTE_MS };

/** New identity keys: each of them is kept in the history. */
export const NEW_IDENTITY_KEYS: Limit = { calls: 20, per: MINUTE_MS };

/** Time limit, in ms, of methods that may change all members of a room or all rooms of a user, page by page. */
export const LONG_WORK_MS = 600_000;

/** The methods that Meteor's default rule applies to. Roomkey has only the first two. */
const ACCOUNT_METHODS = ['login', 'createUser', 'resetPassword', 'forgotPassword'];

/** Rules for logging in and signing up (`test/contract/ddp.md` section 14). Wrong passwords have limits of their own. */
export const accountLimits: readonly RateRule[] = [
	{
		id: 'accounts of a connection',
		matcher: { type: 'method', name: ACCOUNT_METHODS, connectionId: (id) => id !== null },
		calls: 5,
		per: 10_000,
	},
	{
		// REST has no connections, and many people can share an address: the limit for an address is ten times as high.
		id: 'accounts of an address',
		matcher: { type: 'method', name: ACCOUNT_METHODS, connectionId: (id) => id === null, clientAddress: () => true },
		calls: 50,
		per: 10_000,
		exact: true,
	},
];
