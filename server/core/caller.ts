import type { Connection, SecondFactor } from '../../shared/method.js';
import type { RateLimitClient } from './limits/rules.js';

/** Identifies a call among all calls of its user to its method. A client that repeats a call sends the same key. */
export interface IdempotencyKey {
	readonly key: string;
	/** The session of the call; null over REST. A second call with the same key in the same session is a new call. */
	readonly session: string | null;
}

/** The caller of a method, as the transport knows it. */
export interface Caller extends RateLimitClient {
	/** Hash of the login token. */
	readonly hashedToken: string | null;
	readonly connection: Connection | null;
	readonly randomSeed?: string | null;
	/** True for a call that a method or publication makes: it is not counted. */
	readonly isNested?: boolean;
	/** The second factor that came with the call. */
	readonly secondFactor?: SecondFactor | undefined;
	/** Absent if the call has no idempotency key. */
	readonly idempotencyKey?: IdempotencyKey | undefined;
	/** Changes the user of the connection; without it, `setUserId` is refused. */
	setUserId?(userId: string | null, hashedToken: string | null, expires?: Date): void | Promise<void>;
	/** Changes the login token of the connection. Absent if there is no connection. */
	setToken?(hashedToken: string, expires?: Date): void;
	/** Lets the next message of the same connection start. Absent if there is no queue of messages. */
	unblock?(): void;
	/** Called when the method has written something; the promise resolves when all subscribers have been notified. */
	onWrite?(settled: Promise<unknown>): void;
	/** Fires when the result is not needed any more. */
	readonly signal?: AbortSignal;
}
