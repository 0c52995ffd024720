/**
 * Rate limits of methods (`test/contract/beyond.md` T2), the rules for logging in, and the time limit of long methods.
 * Users with the permission `api-bypass-rate-limit` are exempt from the limits in definitions of methods.
 */
import type { Limit, RateRule } from '../shared/limit.js';

const MINUTE_MS = 60_000;

/** Methods that write. */
export const WRITES: Limit = { calls: 600, per: MINUTE_MS };

/** Methods that only read. They run in parallel, so no queue slows a client down. */
export const READS: Limit = { calls: 1200, per: MINUTE_MS };

/** Methods about the caller's own account. Some compare passwords or search among all users. */
export const OWN_ACCOUNT: Limit = { calls: 60, per: MINUTE_MS };

/** Methods for keys. Clients store the keys of all their rooms and members in a burst. */
export const KEY_CALLS: Limit = { calls: 600, per: MINUTE_MS };

/** The method that stores new identity keys. Each new public key is kept in the history. */
export const NEW_IDENTITY_KEYS: Limit = { calls: 20, per: MINUTE_MS };

/** Time limit, in ms, of methods that may change all members of a room or all rooms of a user. */
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
		// For REST, which has no connections. Many people can share an address, so the limit is ten times as high. It is
		// counted exactly, because requests of one address may reach several processes.
		id: 'accounts of an address',
		matcher: { type: 'method', name: ACCOUNT_METHODS, connectionId: (id) => id === null, clientAddress: () => true },
		calls: 50,
		per: 10_000,
		exact: true,
	},
];
