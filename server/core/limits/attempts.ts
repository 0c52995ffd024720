/**
 * Attempts to prove who one is by something that could be guessed. The limit of calls does not stop a guesser with many
 * connections or many addresses; these do.
 */
import { createHash } from 'node:crypto';
import { isClientSafe } from '../../../shared/errors.js';
import type { Caller } from '../caller.js';
import { addressKey } from './address.js';
import { createCounter, type RateLimitResult } from './counter.js';

const FAILURES_PER_ACCOUNT = { calls: 10, per: 60_000 };
const FAILURES_PER_ADDRESS = { calls: 100, per: 60_000 };

/**
 * Makes an attempt, unless too many have failed.
 * @param account the name it is for, as the client gave it
 * @param run fails by throwing
 */
export type Attempt = <T>(account: string, method: string, caller: Caller, run: () => Promise<T>) => Promise<T>;

/** @param demand throws where a tally refuses */
export function limitAttempts(demand: (tally: RateLimitResult, method: string, caller: Caller) => void): Attempt {
	const byAccount = createCounter(FAILURES_PER_ACCOUNT);
	const byAddress = createCounter(FAILURES_PER_ADDRESS);

	return async (account, method, caller, run) => {
		const address = addressKey(caller.clientAddress);
		// Hashed, because a name can be as long as a frame.
		const name = createHash('sha256').update(account.toLowerCase()).digest('base64');
		// Counted before it is known whether it fails: a thousand guesses at once must not all find the counter at zero.
		demand(await byAddress.count(address), method, caller);
		demand(await byAccount.count(name), method, caller);
		try {
			const result = await run();
			// The address gets back no more than this one, or else whoever has one account could guess at all others.
			await Promise.all([byAddress.refund(address), byAccount.forget(name)]);
			return result;
		} catch (thrown) {
			// A failure of our own is nobody's guess.
			if (!isClientSafe(thrown)) await Promise.all([byAddress.refund(address), byAccount.refund(name)]);
			throw thrown;
		}
	};
}
