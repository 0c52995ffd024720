/**
 * Idempotent calls (`test/contract/beyond.md` E1): a client that lost the answer calls again under the same key and gets
 * the original outcome. Each process remembers its own calls.
 */
import { hash } from 'node:crypto';
import { canonical } from '../../shared/ejson.js';
import { clientError, isClientSafe, isTransient, MatchError } from '../../shared/errors.js';
import { ExpiringCache, type ExpiringCacheOptions } from '../../shared/expiringCache.js';
import type { Caller } from './caller.js';

/** The first call under a key. */
export interface InFlight {
	/** Records a write, so that repeated calls are `updated` no sooner than the first. */
	onWrite(settled: Promise<unknown>): void;
}

/** One call. */
export interface RepeatableCall {
	readonly method: string;
	readonly args: Record<string, unknown>;
	readonly caller: Caller;
	/** How long the method may take, in ms. */
	readonly timeout: number;
}

export interface IdempotencyCache {
	/** Whether the outcome of this call is remembered: it needs an idempotency key and a user. */
	appliesTo(caller: Caller): boolean;
	/**
	 * Makes a call, or answers with the outcome of the earlier call under its key, which may still run.
	 * @throws what the call throws; `error-idempotency-mismatch` where the earlier call had other arguments
	 */
	answer(call: RepeatableCall, run: (first: InFlight) => Promise<unknown>): Promise<unknown>;
}

class RememberedCall implements InFlight {
	outcome: Promise<unknown> | undefined;
	written: Promise<unknown> | undefined;

	/**
	 * @param args hash of its arguments, which may be long, and secret
	 * @param session the session it came in by, null over REST
	 */
	constructor(
		readonly args: string,
		readonly session: string | null,
	) {}

	onWrite(settled: Promise<unknown>): void {
		this.written = this.written ? Promise.all([this.written, settled]) : settled;
	}
}

/** Longest key that is stored as it is: part of it comes from the client, and could be as long as a frame. */
const MAX_KEY_LENGTH = 200;

function keyOf({ method, caller: { userId, idempotencyKey } }: RepeatableCall): string {
	const key = `${userId}\n${method}\n${idempotencyKey?.key}`;
	return key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64') : key;
}

/** Whether an error is the method's answer; others may be over at the next call. */
function isAnswer(thrown: unknown): boolean {
	return thrown instanceof MatchError || (isClientSafe(thrown) && !isTransient(thrown));
}

/** Maximum total length of all outcomes, as JSON. The oldest are evicted first. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** Approximate size of an outcome in memory: its length as JSON. */
function sizeOf(outcome: unknown): number {
	const shown = outcome instanceof Error ? { ...outcome, message: outcome.message } : outcome;
	return JSON.stringify(shown)?.length ?? 0;
}

/** Makes the cache of a server. @returns undefined where nothing is to be remembered */
export function createIdempotencyCache(options: ExpiringCacheOptions): IdempotencyCache | undefined {
	if (options.ttl === 0) return undefined;
	const calls = new ExpiringCache<RememberedCall>({ maxSize: MAX_CHARACTERS, ...options });

	/** Starts the time for which an outcome is remembered, unless its key has gone to another call meanwhile. */
	function keep(key: string, call: RememberedCall, outcome: unknown): void {
		const present = calls.get(key);
		if (present === undefined || present === call) calls.set(key, call, { size: sizeOf(outcome) });
	}

	async function outcomeOf(call: RememberedCall, caller: Caller): Promise<unknown> {
		try {
			return await call.outcome;
		} finally {
			if (call.written) caller.onWrite?.(call.written);
		}
	}

	return {
		appliesTo: ({ idempotencyKey, userId }) => idempotencyKey !== undefined && userId !== null,
		// Nothing may be awaited before the call is stored: of two calls under one key, one runs.
		async answer(asked, run) {
			const { method, args, caller, timeout } = asked;
			const session = caller.idempotencyKey?.session ?? null;
			const key = keyOf(asked);
			const digest = hash('sha256', canonical(args), 'base64');
			const first = calls.get(key);
			// Within one session an id may come again for another call; some clients always send the same.
			if (first && (session === null || first.session !== session)) {
				if (first.args !== digest) throw clientError('idempotencyMismatch', { method });
				return outcomeOf(first, caller);
			}
			const call = new RememberedCall(digest, session);
			call.outcome = run(call);
			// A method that never ends must not be waited for longer than this.
			calls.set(key, call, { ttl: options.ttl + timeout });
			try {
				const value = await call.outcome;
				keep(key, call, value);
				return value;
			} catch (thrown) {
				if (isAnswer(thrown)) keep(key, call, thrown);
				else if (calls.get(key) === call) calls.delete(key);
				throw thrown;
			}
		},
	};
}
