/**
 * Outcomes of calls in a store that several processes share. A call that is repeated at another process gets the first
 * outcome, or waits for it (`test/contract/beyond.md` E1).
 *
 * A call has one document, which is inserted before the call runs. The process that runs the call renews a lease, a
 * time until which the call is reserved. If the process dies, the lease ends, and a repeated call runs. After the call,
 * the document holds the encrypted outcome (`sealedOutcome.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { insertIfAbsent } from '../../methods/model/insertIfAbsent.js';
import { SILENT } from '../../methods/model/sharedState.js';
import type { SharedState } from '../../shared/documents.js';
import { canonical } from '../../shared/ejson.js';
import { clientError } from '../../shared/errors.js';
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';
import { randomId } from '../../shared/ids.js';
import type { Log } from '../../shared/log.js';
import type { Collection, Filter, Store } from '../../shared/store.js';
import { isFinalError, type RepeatableCall } from './repeatableCall.js';
import {
	type DerivedKeys,
	decodeOutcome,
	deriveKeys,
	encodeOutcome,
	keyedHash,
	type Outcome,
	seal,
	unseal,
} from './sealedOutcome.js';

const LEASE_MS = 5_000;

/** Most calls end before the first renewal. */
const RENEWAL_MS = 1_500;

/** Shortest and longest time between two checks whether a call that runs elsewhere has ended, in ms. */
const MIN_WAIT_MS = 20;
const MAX_WAIT_MS = 500;

/** In characters. A longer outcome is not kept, and a repeated call is refused. */
const MAX_OUTCOME_LENGTH = 1024 * 1024;

export interface SharedCallsOptions extends ExpiringCacheOptions {
	readonly log: Log;
	onReplay?(method: string): void;
}

interface IdentifiedCall {
	readonly _id: string;
	/** Id of this execution of the call. */
	readonly runId: string;
	readonly keys: DerivedKeys;
	readonly argsHash: string;
	/** Null over REST. */
	readonly sessionHash: string | null;
	readonly timeout: number;
}

export class SharedCalls {
	readonly #state: Collection<SharedState>;
	/** For each outcome that this process has stored, the id of its execution. Limits their number and total size. */
	readonly #stored: ExpiringCache<string>;
	readonly #maxLength: number;

	constructor(
		{ sharedState }: Store,
		private readonly options: SharedCallsOptions,
	) {
		const { ttl, max, maxSize, now } = options;
		this.#state = sharedState;
		const onEvict = (_id: string, runId: string) => this.#remove({ _id, run: runId });
		this.#stored = new ExpiringCache({ ttl, max, ...(maxSize && { maxSize }), ...(now && { now }), onEvict });
		this.#maxLength = Math.min(MAX_OUTCOME_LENGTH, maxSize ?? MAX_OUTCOME_LENGTH);
	}

	/**
	 * Runs a call, or returns the outcome of the earlier call with this key, which may run in another process.
	 * @throws the errors of the call; `error-idempotency-mismatch` if the earlier call had other arguments;
	 *   `error-idempotency-answer-too-large` if its outcome was not kept; `error-timeout` if the earlier call does not
	 *   end within the time limit of the method
	 */
	async answer(call: RepeatableCall, key: string, run: () => Promise<unknown>): Promise<unknown> {
		const { method, args, caller, timeout } = call;
		const keys = deriveKeys(key, `${caller.userId}\n${method}`);
		const session = caller.idempotencyKey?.session ?? null;
		const identified: IdentifiedCall = {
			_id: `call ${keys.id}`,
			runId: randomId(),
			keys,
			argsHash: keyedHash(keys, `args ${canonical(args)}`),
			sessionHash: session === null ? null : keyedHash(keys, `session ${session}`),
			timeout,
		};
		const earlier = await this.#claim(identified);
		if (earlier === undefined) return this.#run(identified, run);
		if (earlier.args !== identified.argsHash) throw clientError('idempotencyMismatch', { method });
		this.options.onReplay?.(method);
		// An empty text stands for an outcome that was not kept: see `#seal`.
		if (earlier.answer === '') throw clientError('idempotencyAnswerTooLarge', { method });
		const outcome = this.#unseal(keys, String(earlier.answer));
		if (!outcome) throw clientError('idempotencyAnswerTooLarge', { method });
		if ('thrown' in outcome) throw outcome.thrown;
		return outcome.value;
	}

	/** @returns undefined if the outcome cannot be decoded */
	#unseal(keys: DerivedKeys, answer: string): Outcome | undefined {
		try {
			return decodeOutcome(unseal(keys, answer));
		} catch (err) {
			this.options.log.warn({ err }, 'The outcome of a call cannot be decoded');
			return undefined;
		}
	}

	/**
	 * Claims a call for this process.
	 * @returns undefined if this process must run the call; otherwise the earlier call, which has ended or has other
	 *   arguments
	 */
	async #claim(identified: IdentifiedCall): Promise<SharedState | undefined> {
		const { _id, runId, argsHash, sessionHash, timeout } = identified;
		const deadline = Date.now() + timeout;
		// Most calls are not repeated, so the document is not looked up before the first insertion.
		let found: SharedState | null = null;
		for (let wait = MIN_WAIT_MS; Date.now() < deadline; found = await this.#state.findOne({ _id })) {
			const claim = { run: runId, args: argsHash, session: sessionHash, until: this.#fromNow(LEASE_MS) };
			if (!found) {
				if (await insertIfAbsent(this.#state, { _id, ...claim }, SILENT)) return undefined;
				continue;
			}
			// Written so that an invalid date counts as expired.
			const hasExpired = !(found.until > this.#fromNow(0));
			// A call with the same key in the same session is a new call: some DDP clients give all calls the same id.
			const isNewCall = sessionHash !== null && found.session === sessionHash;
			if (hasExpired || isNewCall) {
				// Matches no document if the lease was renewed or the call was claimed in the meantime.
				const { matchedCount } = await this.#state.updateOne(
					{ _id, run: found.run, ...(hasExpired && { until: found.until }) },
					{ $set: claim, $unset: { answer: 1 } },
					SILENT,
				);
				if (matchedCount > 0) return undefined;
				continue;
			}
			if (found.answer !== undefined || found.args !== argsHash) return found;
			await delay(wait);
			wait = Math.min(2 * wait, MAX_WAIT_MS);
		}
		throw clientError('timeout');
	}

	#fromNow(ms: number): Date {
		return new Date((this.options.now?.() ?? Date.now()) + ms);
	}

	async #run(identified: IdentifiedCall, run: () => Promise<unknown>): Promise<unknown> {
		const endRenewals = this.#renewLease(identified);
		try {
			const value = await run();
			endRenewals();
			await this.#storeOutcome(identified, { value });
			return value;
		} catch (thrown) {
			endRenewals();
			if (isFinalError(thrown)) await this.#storeOutcome(identified, { thrown });
			else await this.#remove({ _id: identified._id, run: identified.runId });
			throw thrown;
		}
	}

	/**
	 * Renews the lease of a call, but not for ever: the method may never end.
	 * @returns a function that ends the renewals
	 */
	#renewLease({ _id, runId, timeout }: IdentifiedCall): () => void {
		const lastRenewalAt = Date.now() + timeout + this.options.ttl;
		const timer = setInterval(() => {
			if (Date.now() > lastRenewalAt) clearInterval(timer);
			const until = this.#fromNow(LEASE_MS);
			this.#state
				.updateOne({ _id, run: runId, answer: { $exists: false } }, { $set: { until } }, SILENT)
				.catch((err) => this.options.log.warn({ err }, 'The lease of a running call could not be renewed'));
		}, RENEWAL_MS);
		timer.unref();
		return () => clearInterval(timer);
	}

	/** Stores the outcome, unless the lease has ended and another process has claimed the call. */
	async #storeOutcome({ _id, runId, keys }: IdentifiedCall, outcome: Outcome): Promise<void> {
		const answer = this.#seal(keys, outcome);
		try {
			const until = this.#fromNow(this.options.ttl);
			const ownClaim = { _id, run: runId };
			const { matchedCount } = await this.#state.updateOne(ownClaim, { $set: { answer, until } }, SILENT);
			if (matchedCount > 0) this.#stored.set(_id, runId, { size: answer.length });
		} catch (err) {
			this.options.log.warn({ err }, 'The outcome of a call could not be kept for a repeated call');
		}
	}

	/** @returns an empty text if the outcome is too large, or cannot be encoded as EJSON */
	#seal(keys: DerivedKeys, outcome: Outcome): string {
		let text: string;
		try {
			text = encodeOutcome(outcome);
		} catch (err) {
			this.options.log.warn({ err }, 'The outcome of a call cannot be encoded');
			return '';
		}
		return text.length > this.#maxLength ? '' : seal(keys, text);
	}

	async #remove(filter: Filter<SharedState>): Promise<void> {
		try {
			await this.#state.deleteOne(filter, SILENT);
		} catch (err) {
			this.options.log.warn({ err }, 'The record of a call could not be removed');
		}
	}
}
