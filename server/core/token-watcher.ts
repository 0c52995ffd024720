/**
 * Finds login tokens that another process or Rocket.Chat has removed. A token that this process removes ends its
 * sessions at once (`test/contract/ddp.md` 16.2). The watcher also finds a session whose token was removed while it
 * logged in.
 */
import { findRevoked } from '../../methods/model/users/tokens.js';
import type { Services } from './invocation.js';

/** Default time between two checks, in ms. */
const INTERVAL_MS = 1000;

/** Maximum number of tokens in one query. */
const MAX_TOKENS_PER_QUERY = 500;

/** Number of checks in which each token is looked up once, however many tokens there are. */
const CHECKS_PER_ROUND = 10;

/**
 * Checks at intervals whether the tokens in use are still stored, and publishes those that are not. Up to 500 tokens
 * are all looked up at each check. Of a larger number, a tenth is looked up at each check, which limits the load of
 * idle clients on the database.
 * @param tokensInUse the user of each token with which a session here is logged in, by the token's hash
 * @returns a function that stops the checks; its promise resolves when no query runs any more
 */
export function watchTokens(
	{ store, bus, log }: Pick<Services, 'store' | 'bus' | 'log'>,
	tokensInUse: () => ReadonlyMap<string, string>,
	interval = INTERVAL_MS,
): () => Promise<void> {
	let checking: Promise<void> | undefined;
	let stopped = false;
	/** The tokens still to be looked up in this round, and the number of them that each check looks up. */
	let round: [hashedToken: string, userId: string][] = [];
	let share = 0;

	async function lookUp(batch: ReadonlyMap<string, string>): Promise<void> {
		for (const hashedToken of await findRevoked(store, [...batch.keys()])) {
			void bus.publish('tokens-removed', { userId: batch.get(hashedToken) as string, hashedTokens: [hashedToken] });
		}
	}

	async function check(): Promise<void> {
		if (round.length === 0) {
			round = [...tokensInUse()];
			share = Math.max(MAX_TOKENS_PER_QUERY, Math.ceil(round.length / CHECKS_PER_ROUND));
		}
		const turn = round.splice(0, share);
		for (let i = 0; i < turn.length && !stopped; i += MAX_TOKENS_PER_QUERY)
			await lookUp(new Map(turn.slice(i, i + MAX_TOKENS_PER_QUERY)));
	}

	const timer = setInterval(() => {
		// Only one query runs at a time, also if the database is slow.
		checking ??= check()
			.catch((err) => log.warn({ err }, 'Login tokens in use could not be looked up'))
			.finally(() => {
				checking = undefined;
			});
	}, interval);
	timer.unref();

	return async () => {
		stopped = true;
		clearInterval(timer);
		await checking;
	};
}
