/**
 * Which sessions are one client's, one after the other (`test/contract/beyond.md` E1). A client that reconnects names its
 * former session, and may send again under the same ids what had no answer there. The name is a hint, no proof: whoever
 * relies on it must ask for the user as well.
 */
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';

export interface ResumeChains {
	/**
	 * A session has begun.
	 * @param former the one it carries on, if the client says so
	 * @returns the name of the line: that of its first session
	 */
	join(session: string, former: string | undefined): string;
	/** It has ended; for a time another may still carry it on. */
	leave(session: string): void;
}

/** Makes the lineages of a server. Options are about sessions that have ended. */
export function createResumeChains(options: ExpiringCacheOptions): ResumeChains {
	/** The line of each session that is not the first of its own. */
	const open = new Map<string, string>();
	const ended = new ExpiringCache<string>(options);

	return {
		join(session, former) {
			if (former === undefined) return session;
			const chainId = open.get(former) ?? ended.get(former) ?? former;
			open.set(session, chainId);
			return chainId;
		},
		leave(session) {
			const chainId = open.get(session);
			if (chainId === undefined) return;
			open.delete(session);
			ended.set(session, chainId);
		},
	};
}
