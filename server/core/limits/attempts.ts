/**
 * Limits failed attempts to authenticate with a guessable secret, such as a password. The rate limit of calls does not
 * stop an attacker with many connections or addresses. Failures are counted exactly, over all processes of a service.
 */
import { createHash } from 'node:crypto';
import { isClientSafe } from '../../../shared/errors.js';
import { addressKey } from './address.js';
import type { Counters, RateLimitResult } from './counters.js';
import type { RateLimitClient } from './rules.js';

/** Maximum number of failures from one address, for all account names together. */
const FAILURES_PER_ADDRESS = { calls: 100, per: 60_000 };

const FAILURES_PER_NAME_AND_ADDRESS = { calls: 10, per: 60_000 };

/**
 * Maximum number of failures for one name from all unknown addresses together. An address becomes known for a name when
 * an attempt for this name succeeds. So the real user can log in while an attacker guesses from many addresses.
 */
const FAILURES_PER_NAME = { calls: 30, per: 60_000 };

/**
 * Makes an attempt to authenticate, unless too many attempts have failed.
 * @param account the name of the account, as the client gave it
 * @param run makes the attempt; an attempt that fails throws
 */
export type Attempt = <T>(
	account: string,
	method: string,
	caller: RateLimitClient,
	run: () => Promise<T>,
) => Promise<T>;

/**
 * Makes the function that limits attempts.
 * @param requireAllowed throws if a count is over its limit
 */
export function limitAttempts(
	requireAllowed: (result: RateLimitResult, method: string, caller: RateLimitClient) => void,
	counters: Counters,
): Attempt {
	const byAddress = counters.exact('failures of an address', FAILURES_PER_ADDRESS);
	const byNameAndAddress = counters.exact('failures of a name and an address', FAILURES_PER_NAME_AND_ADDRESS);
	const byName = counters.exact('failures of a name', FAILURES_PER_NAME);
	const { knownPairs } = counters;

	return async (account, method, caller, run) => {
		const address = addressKey(caller.clientAddress);
		// Hashed, because a name can be as long as a frame.
		const nameHash = createHash('sha256').update(account.toLowerCase()).digest('base64');
		const pair = `${nameHash} ${address}`;
		const isKnown = await knownPairs.has(pair);
		// Counted before the outcome is known, so that concurrent guesses cannot bypass the limit.
		requireAllowed(await byAddress.count(address), method, caller);
		requireAllowed(await byNameAndAddress.count(pair), method, caller);
		if (!isKnown) requireAllowed(await byName.count(nameHash), method, caller);
		// Subtracts only this attempt. Otherwise attackers could clear the failures of their address by logging in to their
		// own accounts.
		const refund = () => Promise.all([byAddress.refund(address), isKnown ? undefined : byName.refund(nameHash)]);
		try {
			const result = await run();
			await Promise.all([knownPairs.add(pair), refund(), byNameAndAddress.forget(pair)]);
			return result;
		} catch (thrown) {
			// A server error does not show whether the guess was right.
			if (!isClientSafe(thrown)) await Promise.all([refund(), byNameAndAddress.refund(pair)]);
			throw thrown;
		}
	};
}
