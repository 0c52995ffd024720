/**
 * Finds login tokens that another process or Rocket.Chat has removed. When this process removes a token, it ends the
 * token's sessions at once (`test/contract/ddp.md` 16.2), except a session that is logging in at that moment. The
 * watcher finds such a session too.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { findRevokedTokens } from '../../methods/model/users/revokeTokens.js';
import { batchesOf } from '../../shared/batches.js';
import type { Services } from './invocation.js';

const INTERVAL_MS = 1000;

/** Number of tokens that a check looks up, unless a tenth of all tokens is more. */
const MIN_TOKENS_PER_CHECK = 500;

/** A round looks up every token once. It takes at most this many checks. */
const CHECKS_PER_ROUND = 10;

/**
 * Maximum number of tokens in one query. Calls run between two queries. Measured with 10,000 sessions on a data folder:
 * the longest turn of a check takes 3 ms. With 500 tokens in a query it takes 10 ms.
 */
const MAX_TOKENS_PER_QUERY = 50;

export interface TokenWatcher {
	/** Looks up all tokens in use now. Rejects if the store is unavailable. */
	checkAll(): Promise<void>;
	/** Looks up the tokens of a user soon, because some were removed elsewhere. Tries again until the store answers. */
	checkUser(userId: string): void;
	/** Stops the checks. Resolves when no check runs any more. Does not wait for `checkAll`. */
	stop(): Promise<void>;
}

/**
 * Checks at intervals whether the tokens in use are still valid, and publishes `tokens-removed` for each that is not. A
 * check looks up only a part of the tokens, to limit the load of idle clients on the database.
 * @param tokensInUse the user of each token that a session of this process uses, by the token's hash
 */
export function watchTokens(
	{ store, bus, log }: Pick<Services, 'store' | 'bus' | 'log'>,
	tokensInUse: () => ReadonlyMap<string, string>,
	interval = INTERVAL_MS,
): TokenWatcher {
	let checking: Promise<void> | undefined;
	let stopped = false;
	/** The tokens still to be looked up in this round. */
	let remaining: [hashedToken: string, userId: string][] = [];
	let tokensPerCheck = 0;
	/** Users whose tokens are looked up first. */
	let urgentUsers = new Set<string>();

	async function lookUp(batch: ReadonlyMap<string, string>): Promise<void> {
		for (const hashedToken of await findRevokedTokens(store, [...batch.keys()])) {
			void bus.publish('tokens-removed', { userId: batch.get(hashedToken) as string, hashedTokens: [hashedToken] });
		}
	}

	async function lookUpAll(tokens: readonly (readonly [hashedToken: string, userId: string])[]): Promise<void> {
		for (const batch of batchesOf(tokens, MAX_TOKENS_PER_QUERY)) {
			if (stopped) return;
			await lookUp(new Map(batch));
			await nextTurn();
		}
	}

	async function checkUrgent(): Promise<void> {
		while (urgentUsers.size > 0 && !stopped) {
			const users = urgentUsers;
			urgentUsers = new Set();
			try {
				await lookUpAll([...tokensInUse()].filter(([, userId]) => users.has(userId)));
			} catch (error) {
				for (const userId of users) urgentUsers.add(userId);
				throw error;
			}
		}
	}

	async function check(): Promise<void> {
		if (urgentUsers.size > 0) await checkUrgent();
		if (remaining.length === 0) {
			remaining = [...tokensInUse()];
			tokensPerCheck = Math.max(MIN_TOKENS_PER_CHECK, Math.ceil(remaining.length / CHECKS_PER_ROUND));
		}
		await lookUpAll(remaining.splice(0, tokensPerCheck));
	}

	/** On a slow database, checks would pile up otherwise. */
	function runUnlessRunning(task: () => Promise<void>): void {
		checking ??= task()
			.catch((err) => log.warn({ err }, 'Login tokens in use could not be looked up'))
			.finally(() => {
				checking = undefined;
			});
	}

	const timer = setInterval(() => runUnlessRunning(check), interval);
	timer.unref();

	return {
		checkAll: () => lookUpAll([...tokensInUse()]),
		checkUser(userId) {
			const isFirst = urgentUsers.size === 0;
			urgentUsers.add(userId);
			// If other users wait already, a look-up is due, and includes this user.
			if (!isFirst) return;
			setImmediate(async () => {
				// A running check may have read the tokens of these users too early.
				await checking;
				runUnlessRunning(checkUrgent);
			});
		},
		async stop() {
			stopped = true;
			clearInterval(timer);
			await checking;
		},
	};
}
