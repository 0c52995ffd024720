import type { AuditedIds, Connection, SecondFactor } from '../../shared/method.js';
import type { RateLimitClient } from './limits/rules.js';

/** Identifies a call among the calls of one user to one method. A client that repeats a call sends the same key. */
export interface IdempotencyKey {
	/** A function if part of the key must be read from the store. */
	readonly key: string | (() => Promise<string>);
	/**
	 * The session of the call; null over REST. A call with the same key in the same session is a new call. Some DDP
	 * clients give all calls the same id, and clients repeat a call only in a new session.
	 */
	readonly session: string | null;
}

/** How a caller is connected. `program`: a call by the application itself. */
export type TransportKind = 'websocket' | 'sockjs-websocket' | 'sockjs-polling' | 'rest' | 'program';

/** The caller of a method, as the transport knows it. */
export interface Caller extends RateLimitClient {
	readonly hashedToken: string | null;
	/** Null over REST, and for a call by the application. */
	readonly connection: Connection | null;
	/** Absent if `isNested`. */
	readonly transport?: TransportKind | undefined;
	/** Headers of the HTTP request, for traces. Absent over DDP. */
	readonly headers?: Readonly<Record<string, unknown>> | undefined;
	/** For the log: the request id of REST, or the message id of DDP. */
	readonly requestId?: string | undefined;
	/** The seed for `random` of the context. */
	readonly randomSeed?: string | null;
	/** True for a call that a method or publication makes. */
	readonly isNested?: boolean;
	/** For a nested call made by a method: the number of calls around it. Default 0. */
	readonly depth?: number;
	readonly secondFactor?: SecondFactor | undefined;
	readonly idempotencyKey?: IdempotencyKey | undefined;
	/** Changes the user of the connection. If absent, `setUserId` is refused. */
	setUserId?(userId: string | null, hashedToken: string | null, expires?: Date): void | Promise<void>;
	/** Changes the login token of the connection. Absent if there is no connection. */
	setToken?(hashedToken: string, expires?: Date): void;
	/** Lets the next message of the same connection start. Absent if there is no queue of messages. */
	unblock?(): void;
	/** Called when the method has written; `settled` resolves when all subscribers have been notified. */
	onWrite?(settled: Promise<unknown>): void;
	/** Receives the ids that a nested call adds to the audit event of the outer call. */
	audit?(about: AuditedIds): void;
	/** Fires when the result is not needed any more. */
	readonly signal?: AbortSignal;
}

/** What a log line says about a caller. */
export function factsOf(caller: Caller): object {
	const { userId, clientAddress, connectionId, requestId, transport } = caller;
	const sessionId = connectionId ?? caller.connection?.id;
	return {
		...(userId !== null && { userId }),
		...(clientAddress !== null && { clientAddress }),
		...(transport && { transport }),
		...(sessionId !== undefined && { sessionId }),
		...(requestId !== undefined && { requestId }),
	};
}
