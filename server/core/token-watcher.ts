/**
 * Notices login tokens that were removed where this process hears nothing of it: in another process, or by Rocket.Chat
 * itself. What is removed here ends its sessions at once (`test/contract/ddp.md` 16.2); this finds the rest, and the rare
 * session whose token went in the moment it logged in.
 */
import { findRevoked } from '../../methods/model/users/tokens.js';
import type { Services } from './invocation.js';

/** Time between two looks, in ms, unless told otherwise. */
const INTERVAL = 1000;

/** Most tokens asked for in one query. A look is one query, as long as there are no more tokens than so many looks ask for. */
const BATCH = 500;

/** Looks in which every token has its turn, however many there are. */
const ROUND = 10;

/**
 * Looks at set times whether the tokens in use are still stored, and announces those that are not. Few are all looked at
 * each time; many take turns, so that a database is not asked without end on behalf of clients who do nothing.
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
	/** Those that have not had their turn in this round, and how many have theirs in a look. */
	let round: [hashedToken: string, userId: string][] = [];
	let share = 0;

	async function lookAt(batch: ReadonlyMap<string, string>): Promise<void> {
		for (const hashedToken of await findRevoked(store, [...batch.keys()])) {
			void bus.publish('tokens-removed', { userId: batch.get(hashedToken) as string, hashedTokens: [hashedToken] });
		}
	}

	async function look(): Promise<void> {
		if (round.length === 0) {
			round = [...tokensInUse()];
			share = Math.max(BATCH, Math.ceil(round.length / ROUND));
		}
		const turn = round.splice(0, share);
		for (let i = 0; i < turn.length && !stopped; i += BATCH) await lookAt(new Map(turn.slice(i, i + BATCH)));
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
