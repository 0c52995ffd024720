/**
 * Chains of sessions that resume one another (`test/contract/beyond.md` E1). A client that reconnects names its former
 * session, and may repeat unanswered calls with the same ids: they get their first outcomes, which are cached under the
 * chain id. The session id is no authentication: the user must be checked as well.
 *
 * Where several processes share a store, another process may have had the former session. So the chain id of a session
 * that has resumed another is kept in the store. It is encrypted with a key derived from the session id, because the keys
 * of cached outcomes are derived from the chain id. It is stored at the first call that needs it, of a method with `once`.
 * For a session without such a call, it is stored at the end, if the session was open for less than the `ttl` (the
 * lifetime of cached outcomes). So a reconnect itself causes no write. That matters after a restart, when many clients
 * reconnect at once.
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
	 * The chain id of each open session that has resumed another. An open session without an entry is the first of its chain.
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
 * How long the chain id of an open session stays in the store, in ms. It is stored again when the session ends. If the
 * process dies after this time, a client that resumes the session gets no cached outcomes.
 */
const MAX_OPEN_MS = 7 * 24 * 60 * 60 * 1000;

/** An open session that has resumed another. */
interface ResumingSession {
	/** The id of the session that it has resumed. */
	readonly former: string;
	readonly openedAt: number;
	/** Set once it is needed. */
	chainId?: Promise<string> | undefined;
}

class SharedChains implements ResumeChains {
	/** The open sessions that have resumed another, by id. */
	readonly #open = new Map<string, ResumingSession>();

	constructor(private readonly options: ResumeChainOptions) {}

	join(session: string, former: string | undefined): ChainId {
		if (former === undefined) return session;
		const resuming: ResumingSession = { former, openedAt: Date.now() };
		this.#open.set(session, resuming);
		return () => this.#chainIdOf(session, resuming);
	}

	#chainIdOf(session: string, resuming: ResumingSession): Promise<string> {
		if (!resuming.chainId) {
			resuming.chainId = this.#extendChain(session, resuming.former, MAX_OPEN_MS);
			resuming.chainId.catch(() => {
				// The next call tries again.
				resuming.chainId = undefined;
			});
		}
		return resuming.chainId;
	}

	/**
	 * Reads the chain id of the former session from the store, and stores it for this session as well.
	 * @param keepMs how long it stays in the store
	 */
	async #extendChain(session: string, former: string, keepMs: number): Promise<string> {
		const { sharedState } = this.options.store;
		const formerKeys = keysOf(former);
		const found = await sharedState.findOne({ _id: idOf(formerKeys), until: { $gt: new Date() } });
		// A session that is not in the store is the first of its chain.
		const chainId = found?.chain === undefined ? former : unseal(formerKeys, found.chain);
		await this.#store(session, chainId, keepMs);
		return chainId;
	}

	async #store(session: string, chainId: string, keepMs: number): Promise<void> {
		const keys = keysOf(session);
		const until = new Date(Date.now() + keepMs);
		const document = { _id: idOf(keys), chain: seal(keys, chainId), until };
		await insertIfAbsent(this.options.store.sharedState, document, SILENT);
	}

	leave(session: string): void {
		const resuming = this.#open.get(session);
		if (!resuming) return;
		this.#open.delete(session);
		this.#keepEnded(session, resuming).catch((err) =>
			this.options.log.warn({ err }, 'The chain of an ended session could not be kept'),
		);
	}

	/**
	 * Keeps the chain id of an ended session for `ttl`. If no call needed it, and the session was open for longer than `ttl`,
	 * nothing is stored: the outcomes of the earlier sessions have expired.
	 */
	async #keepEnded(session: string, { former, openedAt, chainId }: ResumingSession): Promise<void> {
		const { store, ttl } = this.options;
		if (chainId) {
			const id = await chainId;
			const until = new Date(Date.now() + ttl);
			const filter = { _id: idOf(keysOf(session)) };
			const { matchedCount } = await store.sharedState.updateOne(filter, { $set: { until } }, SILENT);
			// After `MAX_OPEN_MS` the document may have been removed.
			if (matchedCount === 0) await this.#store(session, id, ttl);
		} else if (Date.now() - openedAt < ttl) await this.#extendChain(session, former, ttl);
	}
}

const keysOf = (session: string) => deriveKeys(session, 'chain');
/** The id of the document that contains a session's chain id. */
const idOf = ({ id }: { readonly id: string }) => `chain ${id}`;
