/**
 * Idempotent calls (`test/contract/beyond.md` E1): a client that repeats a call with the same key gets the first
 * outcome. Outcomes are kept in memory. Processes that share a store keep them there instead (`sharedCalls.ts`).
 */
import { hash } from 'node:crypto';
import { canonical, clone } from '../../shared/ejson.js';
import { clientError } from '../../shared/errors.js';
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Log } from '../../shared/log.js';
import { isShared, type Store } from '../../shared/store.js';
import type { Caller } from './caller.js';
import type { ServerObserver } from './observer.js';
import { isFinalError, type RepeatableCall } from './repeatableCall.js';
import { SharedCalls } from './sharedCalls.js';

/** The first call with a key, while it runs. */
export interface InFlight {
	/** Records a write, so that a repeated call does not get `updated` before the write has been sent to subscribers. */
	onWrite(settled: Promise<unknown>): void;
}

export interface IdempotencyCache {
	/** Whether the outcome of this call is cached. */
	appliesTo(caller: Caller): boolean;
	/**
	 * Runs a call, or returns the outcome of the earlier call with its key, which may still run.
	 * @throws the errors of the call; `error-idempotency-mismatch` if the earlier call had other arguments
	 */
	answer(call: RepeatableCall, run: (inFlight: InFlight) => Promise<unknown>): Promise<unknown>;
}

/** A running or ended call whose outcome a repeated call may get. */
class RememberedCall implements InFlight {
	/** Settles as the call does. Set before the call is put into the cache. */
	outcome: Promise<unknown> | undefined;
	/** Resolves when the call's writes have been sent to subscribers; undefined if it has written nothing. */
	written: Promise<unknown> | undefined;

	/** @param argsHash a hash, because the arguments may be long or secret */
	constructor(
		readonly argsHash: string,
		readonly session: string | null,
	) {}

	onWrite(settled: Promise<unknown>): void {
		this.written = this.written ? Promise.all([this.written, settled]) : settled;
	}
}

/** A longer key is stored as a hash. A part of the key comes from the client, and can be as long as a frame. */
const MAX_KEY_LENGTH = 200;

function cacheKeyOf({ method, caller: { userId } }: RepeatableCall, idempotencyKey: string): string {
	const key = `${userId}\n${method}\n${idempotencyKey}`;
	return key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64') : key;
}

/** Maximum total length of all outcomes, as JSON. The oldest are evicted first. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

function sizeOf(outcome: unknown): number {
	const encodable = outcome instanceof Error ? [outcome.message, (outcome as { details?: unknown }).details] : outcome;
	return JSON.stringify(encodable)?.length ?? 0;
}

export interface IdempotencyOptions extends ExpiringCacheOptions {
	readonly observer?: Pick<ServerObserver, 'onReplay'> | undefined;
	readonly store: Store;
	readonly log: Log;
}

/** @returns undefined if caching is disabled */
export function createIdempotencyCache({
	observer,
	store,
	log,
	...options
}: IdempotencyOptions): IdempotencyCache | undefined {
	if (options.ttl === 0) return undefined;
	const onReplay = (method: string) => observer?.onReplay(method);
	const sharedCalls = isShared(store)
		? new SharedCalls(store, { maxSize: MAX_CHARACTERS, ...options, log, onReplay })
		: undefined;
	/** The running calls; also the ended calls, unless their outcomes are kept in the store. */
	const calls = new ExpiringCache<RememberedCall>({ maxSize: MAX_CHARACTERS, ...options });

	/** Keeps an ended call for the `ttl`, unless a newer call has replaced it under its key. */
	function keep(key: string, call: RememberedCall, outcome: unknown): void {
		const stored = calls.get(key);
		if (stored === undefined || stored === call) calls.set(key, call, { size: sizeOf(outcome) });
	}

	function forget(key: string, call: RememberedCall): void {
		if (calls.get(key) === call) calls.delete(key);
	}

	async function replay(call: RememberedCall, caller: Caller): Promise<unknown> {
		try {
			return await call.outcome;
		} finally {
			if (call.written) caller.onWrite?.(call.written);
		}
	}

	return {
		appliesTo: ({ idempotencyKey, userId }) => idempotencyKey !== undefined && userId !== null,
		async answer(request, run) {
			const { method, args, caller, timeout } = request;
			const { session = null, key: keySource = '' } = caller.idempotencyKey ?? {};
			const idempotencyKey = typeof keySource === 'string' ? keySource : await keySource();
			const key = cacheKeyOf(request, idempotencyKey);
			const argsHash = hash('sha256', canonical(args), 'base64');
			// From here to `calls.set` there is no await, so that only one of two calls with the same key runs.
			const earlier = calls.get(key);
			// A call with the same key in the same session is a new call: some DDP clients give all calls the same id.
			const isNewCall = session !== null && earlier?.session === session;
			if (earlier && !isNewCall) {
				if (earlier.argsHash !== argsHash) throw clientError('idempotencyMismatch', { method });
				onReplay(method);
				return replay(earlier, caller);
			}
			const call = new RememberedCall(argsHash, session);
			call.outcome = sharedCalls ? sharedCalls.answer(request, idempotencyKey, () => run(call)) : run(call);
			// The entry expires even if the method never ends. A repeated call then runs.
			calls.set(key, call, { ttl: options.ttl + timeout });
			try {
				const value = await call.outcome;
				if (sharedCalls) forget(key, call);
				else {
					// A copy, because the method may change its object later.
					call.outcome = Promise.resolve(clone(value));
					keep(key, call, value);
				}
				return value;
			} catch (thrown) {
				if (!sharedCalls && isFinalError(thrown)) keep(key, call, thrown);
				else forget(key, call);
				throw thrown;
			}
		},
	};
}
