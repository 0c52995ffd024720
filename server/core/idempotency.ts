/**
 * One answer per call (`test/contract/beyond.md` E1): a client that lost the answer asks again, and gets the one it would have
 * had. Each process remembers its own calls.
 */
import { hash } from 'node:crypto';
import { canonical } from '../../shared/ejson.js';
import { clientError, isClientSafe, isTransient, MatchError } from '../../shared/errors.js';
import type { Caller } from './caller.js';
import { ExpiringCache, type ExpiringCacheOptions } from './expiring-cache.js';

/** A call that has its mark for the first time. */
export interface InFlight {
	/** Is told of what it has written, so that whoever asks again is `updated` no sooner than the first caller. */
	onWrite(settled: Promise<unknown>): void;
}

/** What is asked for. */
export interface Asked {
	readonly method: string;
	readonly args: Record<string, unknown>;
	readonly caller: Caller;
	/** How long the method may take, in ms. */
	readonly timeout: number;
}

export interface IdempotencyCache {
	/** Whether the outcome of this call is remembered: it needs a mark, and somebody whose it is. */
	appliesTo(caller: Caller): boolean;
	/**
	 * Makes a call, or answers with the outcome of the one that had its mark before, be it still running.
	 * @throws what the call throws, then or now; `error-idempotency-mismatch` where that had other arguments
	 */
	answer(asked: Asked, run: (first: InFlight) => Promise<unknown>): Promise<unknown>;
}

class Call implements InFlight {
	outcome: Promise<unknown> | undefined;
	written: Promise<unknown> | undefined;

	/**
	 * @param args hash of its arguments, which may be long, and secret
	 * @param session the one it came in by, null over REST
	 */
	constructor(
		readonly args: string,
		readonly session: string | null,
	) {}

	onWrite(settled: Promise<unknown>): void {
		this.written = this.written ? Promise.all([this.written, settled]) : settled;
	}
}

/** Longest key that is kept as it is. Part of it is the client's, and could be as long as a frame. */
const MAX_KEY_LENGTH = 200;

function keyOf({ method, caller: { userId, idempotencyKey } }: Asked): string {
	const key = `${userId}\n${method}\n${idempotencyKey?.key}`;
	return key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64') : key;
}

/** Whether what was thrown is the method's answer, and not something that may be over the next time. */
function isAnswer(thrown: unknown): boolean {
	return thrown instanceof MatchError || (isClientSafe(thrown) && !isTransient(thrown));
}

/** How large all outcomes may be together; beyond it the oldest goes first. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** How large what a method answered, or refused with, is in memory, about: as JSON, in characters. */
function sizeOf(outcome: unknown): number {
	const said = outcome instanceof Error ? { ...outcome, message: outcome.message } : outcome;
	return JSON.stringify(said)?.length ?? 0;
}

/** Makes the memory of a server; none where nothing would be kept. */
export function createIdempotencyCache(options: ExpiringCacheOptions): IdempotencyCache | undefined {
	if (options.lifetime === 0) return undefined;
	const calls = new ExpiringCache<Call>({ maxSize: MAX_CHARACTERS, ...options });

	/** Remembers an outcome from now on; not if its mark has meanwhile gone to another call. */
	function keep(key: string, call: Call, outcome: unknown): void {
		const present = calls.get(key);
		if (present === undefined || present === call) calls.set(key, call, { size: sizeOf(outcome) });
	}

	function forget(key: string, call: Call): void {
		if (calls.get(key) === call) calls.delete(key);
	}

	async function outcomeOf(call: Call, caller: Caller): Promise<unknown> {
		try {
			return await call.outcome;
		} finally {
			if (call.written) caller.onWrite?.(call.written);
		}
	}

	return {
		appliesTo: ({ idempotencyKey, userId }) => idempotencyKey !== undefined && userId !== null,
		// Up to the first `await` nothing may come between: of two with one mark, one runs.
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
			const call = new Call(digest, session);
			call.outcome = run(call);
			// One that never ends must not be waited for for ever.
			calls.set(key, call, { extra: timeout });
			try {
				const value = await call.outcome;
				keep(key, call, value);
				return value;
			} catch (thrown) {
				if (isAnswer(thrown)) keep(key, call, thrown);
				else forget(key, call);
				throw thrown;
			}
		},
	};
}
