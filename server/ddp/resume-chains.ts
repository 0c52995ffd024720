/**
 * Chains of sessions that resume one another (`test/contract/beyond.md` E1). A client that reconnects names its
 * former session, and may repeat calls under the same ids if they had no answer there. The name proves nothing: the user must
 * be checked as well.
 */
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';

export interface ResumeChains {
	/**
	 * A session has begun.
	 * @param former the session it resumes, if the client names one
	 * @returns the id of the chain: that of its first session
	 */
	join(session: string, former: string | undefined): string;
	/** A session has ended. For a time, another may still resume it. */
	leave(session: string): void;
}

/** Makes the resume chains of a server. The options concern sessions that have ended. */
export function createResumeChains(options: ExpiringCacheOptions): ResumeChains {
	/** The chain of each session that resumes another. */
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
