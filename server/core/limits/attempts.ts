/**
 * Limits attempts to authenticate with a guessable secret, such as a password. The rate limit of calls does not stop an
 * attacker with many connections or many addresses; these limits do.
 */
import { createHash } from 'node:crypto';
import { isClientSafe } from '../../../shared/errors.js';
import { ExpiringCache } from '../../../shared/expiringCache.js';
import { addressKey } from './address.js';
import { createCounter, type RateLimitClient, type RateLimitResult } from './rules.js';

/** Maximum number of failures from one address, for all names together. */
const FAILURES_PER_ADDRESS = { calls: 100, per: 60_000 };

/** Maximum number of failures for one name from one address. */
const FAILURES_PER_NAME_AND_ADDRESS = { calls: 10, per: 60_000 };

/**
 * Maximum number of failures for one name from all addresses without an earlier success for it, counted together. Known
 * addresses do not count, so that the real user can log in while an attacker guesses from many addresses.
 */
const FAILURES_PER_NAME = { calls: 30, per: 60_000 };

/** Maximum number and lifetime, in ms, of remembered pairs of name and address with a success. */
const KNOWN_ADDRESSES = { max: 100_000, ttl: 30 * 24 * 60 * 60 * 1000 };

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

/** @param requireAllowed throws if a count is over its limit */
export function limitAttempts(
	requireAllowed: (result: RateLimitResult, method: string, caller: RateLimitClient) => void,
): Attempt {
	const byAddress = createCounter(FAILURES_PER_ADDRESS);
	const byNameAndAddress = createCounter(FAILURES_PER_NAME_AND_ADDRESS);
	const byName = createCounter(FAILURES_PER_NAME);
	const known = new ExpiringCache<1>(KNOWN_ADDRESSES);

	return async (account, method, caller, run) => {
		const address = addressKey(caller.clientAddress);
		// Hashed, because a name can be as long as a frame.
		const name = createHash('sha256').update(account.toLowerCase()).digest('base64');
		const pair = `${name} ${address}`;
		const isKnown = known.get(pair) !== undefined;
		// Counted before the outcome is known, so that concurrent guesses cannot bypass the limit.
		requireAllowed(await byAddress.count(address), method, caller);
		requireAllowed(await byNameAndAddress.count(pair), method, caller);
		if (!isKnown) requireAllowed(await byName.count(name), method, caller);
		/**
		 * Only this attempt is subtracted: the failures of the address stay, because an attacker with an account could
		 * reset them otherwise.
		 */
		const refund = () => Promise.all([byAddress.refund(address), isKnown ? undefined : byName.refund(name)]);
		try {
			const result = await run();
			known.set(pair, 1);
			await Promise.all([refund(), byNameAndAddress.forget(pair)]);
			return result;
		} catch (thrown) {
			// A server error does not show whether the guess was right.
			if (!isClientSafe(thrown)) await Promise.all([refund(), byNameAndAddress.refund(pair)]);
			throw thrown;
		}
	};
}
