/**
 * Chains of sessions that resume one another (`test/contract/beyond.md` E1). A client that reconnects names its former
 * session, and may repeat unanswered calls with the same ids. The session id is no authentication: the user must be
 * checked as well.
 */
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';

export interface ResumeChains {
	/**
	 * Must be called when a session begins.
	 * @param former the session that it resumes, if the client names one
	 * @returns the id of the chain: that of its first session
	 */
	join(session: string, former: string | undefined): string;
	/** Must be called when a session ends. For a time, another session may still resume it. */
	leave(session: string): void;
}

/** Creates the resume chains of a server. The options apply to ended sessions. */
export function createResumeChains(options: ExpiringCacheOptions): ResumeChains {
	/**
	 * The chain id of each open session that has resumed another. A session without an entry is the first of its chain.
	 */
	const open = new Map<string, string>();
	/** The same for ended sessions. */
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
