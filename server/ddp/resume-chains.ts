/**
 * Chains of sessions that resume one another (`test/contract/beyond.md` E1). A client that reconnects names its former
 * session, and may repeat unanswered calls with the same ids. The session id is no authentication: the user must be
 * checked as well.
 *
 * Where several processes share a store, the former session may have been one of another process. The chain of a session
 * is then in the store, encrypted with a key derived from the session id, because outcomes are encrypted with keys derived
 * from chain ids. The chain is read and written when the first call of the session needs it, or when a short session ends
 * without a call. So the many clients that reconnect after a restart cause no writes.
 */
import { insertIfAbsent } from '../../methods/model/insertIfAbsent.js';
import { SILENT } from '../../methods/model/sharedState.js';
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Log } from '../../shared/log.js';
import { isShared, type Store } from '../../shared/store.js';
import { deriveKeys, seal, unseal } from '../core/sealedOutcome.js';

/** The id of a chain, which is the id of its first session; or a function that reads it from the store. */
export type ChainId = string | (() => Promise<string>);

export interface ResumeChains {
	/**
	 * Must be called when a session begins.
	 * @param former the session that it resumes, if the client names one
	 */
	join(session: string, former: string | undefined): ChainId;
	/** Must be called when a session ends. Another session may still resume it for the `ttl` of the options. */
	leave(session: string): void;
}

export interface ResumeChainOptions extends ExpiringCacheOptions {
	readonly store: Store;
	readonly log: Log;
}

/** Creates the resume chains of a server. The limits in the options apply to ended sessions. */
export function createResumeChains(options: ResumeChainOptions): ResumeChains {
	return isShared(options.store) ? new SharedChains(options) : localChains(options);
}

function localChains(options: ExpiringCacheOptions): ResumeChains {
	/**
	 * The chain id of each open session that has resumed another. A session without an entry is the first of its chain.
	 */
	const open = new Map<string, string>();
	/** The chain id of each ended session that had resumed another. */
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

/**
 * How long the chain of an open session stays in the store, in ms. A client that resumes a session which was open for
 * longer gets no answers to the calls of earlier sessions: the client received those answers long ago.
 */
const MAX_OPEN_MS = 7 * 24 * 60 * 60 * 1000;

/** An open session that has resumed another. */
interface OpenSession {
	readonly former: string;
	readonly openedAt: number;
	/** The id of the chain. Set once it is needed. */
	chain?: Promise<string> | undefined;
}

class SharedChains implements ResumeChains {
	readonly #open = new Map<string, OpenSession>();

	constructor(private readonly options: ResumeChainOptions) {}

	join(session: string, former: string | undefined): ChainId {
		if (former === undefined) return session;
		const open: OpenSession = { former, openedAt: Date.now() };
		this.#open.set(session, open);
		return () => this.#chainOf(session, open, MAX_OPEN_MS);
	}

	/** @param keepMs how long the chain stays in the store */
	#chainOf(session: string, open: OpenSession, keepMs: number): Promise<string> {
		if (!open.chain) {
			open.chain = this.#extendChain(session, open.former, keepMs);
			open.chain.catch(() => {
				// The next call tries again.
				open.chain = undefined;
			});
		}
		return open.chain;
	}

	/** Reads the chain of the former session from the store, and stores it for this session as well. */
	async #extendChain(session: string, former: string, keepMs: number): Promise<string> {
		const { sharedState } = this.options.store;
		const formerKeys = keysOf(former);
		const found = await sharedState.findOne({ _id: idOf(formerKeys), until: { $gt: new Date() } });
		// A session that is not in the store is the first of its chain.
		const chain = found?.chain === undefined ? former : unseal(formerKeys, found.chain);
		const keys = keysOf(session);
		const until = new Date(Date.now() + keepMs);
		await insertIfAbsent(sharedState, { _id: idOf(keys), chain: seal(keys, chain), until }, SILENT);
		return chain;
	}

	leave(session: string): void {
		const open = this.#open.get(session);
		if (!open) return;
		this.#open.delete(session);
		this.#keepEnded(session, open).catch((err) =>
			this.options.log.warn({ err }, 'The chain of an ended session could not be kept'),
		);
	}

	/** Keeps the chain of an ended session for `ttl`. A session that was open for longer without a call stores none. */
	async #keepEnded(session: string, open: OpenSession): Promise<void> {
		const { store, ttl } = this.options;
		if (open.chain) {
			await open.chain;
			const until = new Date(Date.now() + ttl);
			await store.sharedState.updateOne({ _id: idOf(keysOf(session)) }, { $set: { until } }, SILENT);
		} else if (Date.now() - open.openedAt < ttl) await this.#chainOf(session, open, ttl);
	}
}

const keysOf = (session: string) => deriveKeys(session, 'chain');
const idOf = ({ id }: { readonly id: string }) => `chain ${id}`;
