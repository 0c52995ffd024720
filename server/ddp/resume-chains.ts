/**
 * Chains of sessions that resume one another (`test/contract/beyond.md` E1). A client that reconnects names its former
 * session, and may repeat unanswered calls with the same ids. It then gets their first outcomes, which are cached under
 * the id of the chain. The user must be checked as well: a session id is no authentication.
 *
 * Where several processes share a store, another process may have had the former session. So the store keeps chain ids,
 * each encrypted with a key derived from the session id. If a session has resumed another, its chain id is stored when
 * it first calls a method with `once`. Without such a call it is stored at the end, if the session was open for less
 * than `ttl` (the lifetime of cached outcomes). So a reconnect itself causes no write.
 */
import { insertIfAbsent } from '../../methods/model/insertIfAbsent.js';
import { SILENT } from '../../methods/model/sharedState.js';
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Log } from '../../shared/log.js';
import { isShared, type Store } from '../../shared/store.js';
import { deriveKeys, seal, unseal } from '../core/sealedOutcome.js';

/** The id of the first session of a chain, or a function that reads it from the store. */
export type ChainId = string | (() => Promise<string>);

export interface ResumeChains {
	/** Must be called when a session begins. @param former the session that it resumes, if the client names one */
	join(session: string, former: string | undefined): ChainId;
	/** Must be called when a session ends. A client can still resume the session for `ttl`. */
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
	/** Chain ids by open session. A session without an entry is the first of its chain. */
	const open = new Map<string, string>();
	/** Chain ids by ended session. */
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
 * How long the store keeps the chain id of an open session, in ms. It is stored again when the session ends. If the
 * process dies after this time, a client that resumes the session gets no cached outcomes.
 */
const MAX_OPEN_MS = 7 * 24 * 60 * 60 * 1000;

/** An open session that has resumed another. */
interface ResumingSession {
	readonly former: string;
	readonly openedAt: number;
	/** Set once it is needed. */
	chainId?: Promise<string> | undefined;
}

class SharedChains implements ResumeChains {
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

	/** Reads the chain id of the former session, and stores it for this session for `keepMs`. */
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
	 * Keeps the chain id of an ended session for `ttl`. If no call needed it, and the session was open for longer than
	 * `ttl`, nothing is stored: the outcomes of the earlier sessions have expired.
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
const idOf = ({ id }: { readonly id: string }) => `chain ${id}`;
