/**
 * One answer per call (`test/contract/beyond.md` E1): a client that lost the answer asks again, and gets the one it would have
 * had. Each process remembers its own calls.
 */
import { hash } from 'node:crypto';
import { canonical } from '../shared/ejson.js';
import { isClientSafe, isPassing, MatchError, refusal } from '../shared/errors.js';
import type { Caller } from './caller.js';
import { Fading, type FadingOptions } from './fading.js';

/** A call that has its mark for the first time. */
export interface FirstCall {
	/** Is told of what it has written, so that whoever asks again is `updated` no sooner than the first caller. */
	wrote(settled: Promise<unknown>): void;
}

/** What is asked for. */
export interface Asked {
	readonly method: string;
	readonly args: Record<string, unknown>;
	readonly caller: Caller;
	/** How long the method may take, in ms. */
	readonly timeout: number;
}

export interface Once {
	/** Whether the outcome of this call is remembered: it needs a mark, and somebody whose it is. */
	covers(caller: Caller): boolean;
	/**
	 * Makes a call, or answers with the outcome of the one that had its mark before, be it still running.
	 * @throws what the call throws, then or now; `error-idempotency-mismatch` where that had other arguments
	 */
	answer(asked: Asked, run: (first: FirstCall) => Promise<unknown>): Promise<unknown>;
}

class Call implements FirstCall {
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

	wrote(settled: Promise<unknown>): void {
		this.written = this.written ? Promise.all([this.written, settled]) : settled;
	}
}

/** Longest key that is kept as it is. Part of it is the client's, and could be as long as a frame. */
const LONGEST_KEY = 200;

function keyOf({ method, caller: { userId, mark } }: Asked): string {
	const key = `${userId}\n${method}\n${mark?.key}`;
	return key.length > LONGEST_KEY ? hash('sha256', key, 'base64') : key;
}

/** Whether what was thrown is the method's answer, and not something that may be over the next time. */
function isAnswer(thrown: unknown): boolean {
	return thrown instanceof MatchError || (isClientSafe(thrown) && !isPassing(thrown));
}

/** How large all outcomes may be together; beyond it the oldest goes first. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** How large what a method answered, or refused with, is in memory, about: as JSON, in characters. */
function sizeOf(outcome: unknown): number {
	const said = outcome instanceof Error ? { ...outcome, message: outcome.message } : outcome;
	return JSON.stringify(said)?.length ?? 0;
}

/** Makes the memory of a server; none where nothing would be kept. */
export function createOnce(options: FadingOptions): Once | undefined {
	if (options.lifetime === 0) return undefined;
	const calls = new Fading<Call>({ maxSize: MOST_CHARACTERS, ...options });

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
			if (call.written) caller.wrote?.(call.written);
		}
	}

	return {
		covers: ({ mark, userId }) => mark !== undefined && userId !== null,
		// Up to the first `await` nothing may come between: of two with one mark, one runs.
		async answer(asked, run) {
			const { method, args, caller, timeout } = asked;
			const session = caller.mark?.session ?? null;
			const key = keyOf(asked);
			const digest = hash('sha256', canonical(args), 'base64');
			const first = calls.get(key);
			// Within one session an id may come again for another call; some clients always send the same.
			if (first && (session === null || first.session !== session)) {
				if (first.args !== digest) throw refusal('idempotencyMismatch', { method });
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
