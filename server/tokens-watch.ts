/**
 * Notices login tokens that were removed where this process hears nothing of it: in another process, or by Rocket.Chat
 * itself. What is removed here ends its sessions at once (`contract/ddp.md` 16.2); this finds the rest, and the rare
 * session whose token went in the moment it logged in.
 */
import { findRevoked } from '../methods/accounts/tokens.js';
import type { Services } from './invoke.js';

/** Time between two looks, in ms, unless told otherwise. */
const INTERVAL = 10_000;

/** Most tokens asked for in one query. */
const BATCH = 500;

/**
 * Looks at set times whether the tokens in use are still stored, and announces those that are not.
 * @param tokensInUse the user of each token with which a session here is logged in, by the token's hash
 * @returns stops, and resolves when no query runs any more
 */
export function watchTokens(
	{ store, bus, log }: Pick<Services, 'store' | 'bus' | 'log'>,
	tokensInUse: () => ReadonlyMap<string, string>,
	interval = INTERVAL,
): () => Promise<void> {
	let looking: Promise<void> | undefined;
	let stopped = false;

	async function look(): Promise<void> {
		const inUse = [...tokensInUse()];
		for (let i = 0; i < inUse.length && !stopped; i += BATCH) {
			const batch = new Map(inUse.slice(i, i + BATCH));
			for (const hashedToken of await findRevoked(store, [...batch.keys()])) {
				void bus.publish('tokens-removed', { userId: batch.get(hashedToken) as string, hashedTokens: [hashedToken] });
			}
		}
	}

	const timer = setInterval(() => {
		// A slow database is not asked twice at a time.
		looking ??= look()
			.catch((err) => log.warn({ err }, 'Login tokens in use could not be looked up'))
			.finally(() => {
				looking = undefined;
			});
	}, interval);
	timer.unref();

	return async () => {
		stopped = true;
		clearInterval(timer);
		await looking;
	};
}
