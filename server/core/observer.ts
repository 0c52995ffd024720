/** What the parts of a server report about their work. Metrics, logs and traces receive it (`server/ops`). */
import { type ClientError, isTooManyLogins, MatchError } from '../../shared/errors.js';
import type { AuditedIds, LoginLane, Method } from '../../shared/method.js';
import type { Caller, TransportKind } from './caller.js';

/**
 * How a call ended. `invalid`: arguments do not match their patterns. `limited`: too many calls or logins.
 * `unavailable`: the database does not answer. `error`: an error of the server. `refused`: any other error that is
 * meant for the caller.
 */
export const OUTCOMES = ['ok', 'invalid', 'refused', 'limited', 'timeout', 'unavailable', 'error'] as const;
export type CallOutcome = (typeof OUTCOMES)[number];

/** The name of all unknown methods in reports, because clients may invent any number of names. */
export const UNKNOWN_METHOD = '(unknown)';

export interface BegunCall {
	/** `UNKNOWN_METHOD` if there is no such method. */
	readonly method: string;
	/** Absent for an unknown method. */
	readonly definition?: Method | undefined;
	readonly caller: Caller;
	/** The arguments, not yet checked. They may contain secrets. */
	readonly params: readonly unknown[];
}

export interface EndedCall extends BegunCall {
	readonly outcome: CallOutcome;
	readonly ms: number;
	/** What the method has reported for the audit event. */
	readonly about?: AuditedIds | undefined;
	/** What the method returned. It may contain secrets. */
	readonly result?: unknown;
	readonly thrown?: ClientError | MatchError | undefined;
}

/**
 * What has exceeded a limit. `password`: an attempt to authenticate, such as a login. `connections`: a further
 * connection from one address, which is also reported to `onConnectionRefused`.
 */
export type LimitKind = 'method' | 'subscription' | 'password' | 'connections';

/**
 * Why a connection was refused. `limit`: its address has too many connections. `full`: the process has too many.
 * `rate`: too many new ones in a short time. `load`: the event loop is overloaded. `origin`: pages of its origin may
 * not connect.
 */
export const CONNECTION_REFUSALS = ['limit', 'full', 'rate', 'load', 'origin'] as const;
export type ConnectionRefusal = (typeof CONNECTION_REFUSALS)[number];

/** A REST request whose credentials are wrong. */
export interface WrongToken {
	/** The path of the route, with the names of its parameters. */
	readonly path: string;
	/** `expired`: the token was valid until its time was over. */
	readonly reason: 'unknown' | 'expired';
	/** May be any text, even a secret in the wrong header. */
	readonly claimedUserId: string;
	readonly clientAddress: string | null;
	readonly requestId: string;
}

export interface CallCounter {
	add(transport: TransportKind, outcome: CallOutcome, ms: number): void;
}

/** Observes the calls of one method by clients or by the application, not by other methods. */
export interface CallObserver {
	readonly counter?: CallCounter | undefined;
	readonly onCall?: ((call: EndedCall) => void) | undefined;
}

export interface ServerObserver {
	/** Runs a call in a context, such as the span of a trace. */
	runCall?(call: BegunCall, run: () => Promise<unknown>): Promise<unknown>;
	/**
	 * Makes the observer of a method's calls. Called once for each method when the server starts, and for each call of an
	 * unknown method.
	 * @param definition absent for `UNKNOWN_METHOD`
	 */
	observeCalls(method: string, definition: Method | undefined): CallObserver;
	/** A repeated call has received the outcome of an earlier one. */
	onReplay(method: string): void;
	/** A limit was exceeded. @param refused false: it was only counted, by `--rate-limit dry-run` */
	onLimit(kind: LimitKind, refused: boolean): void;
	onConnection(transport: TransportKind): void;
	onConnectionRefused(reason: ConnectionRefusal, address: string | null): void;
	/** A new connection has to wait. */
	onConnectionHeld(): void;
	/** @param count how many new connections wait now */
	onWaitingConnections(count: number): void;
	/** A login was refused, because too many wait. */
	onLoginRefused(lane: LoginLane): void;
	/** @param count how many logins wait now */
	onWaitingLogins(lane: LoginLane, count: number): void;
	onWrongToken(attempt: WrongToken): void;
	/** A client has too many unanswered requests, so reading is paused. */
	onPause(): void;
	/** A client was disconnected because it did not read what was sent to it. */
	onOverflow(): void;
	/** An event of a stream was sent. @param readers to how many clients */
	onStreamEvent(readers: number): void;
}

const ignore = () => {};

/** Ignores everything. */
export const NO_OBSERVER: ServerObserver = {
	observeCalls: () => ({}),
	onReplay: ignore,
	onLimit: ignore,
	onConnection: ignore,
	onConnectionRefused: ignore,
	onConnectionHeld: ignore,
	onWaitingConnections: ignore,
	onLoginRefused: ignore,
	onWaitingLogins: ignore,
	onWrongToken: ignore,
	onPause: ignore,
	onOverflow: ignore,
	onStreamEvent: ignore,
};

const OUTCOME_OF_CODE: ReadonlyMap<unknown, CallOutcome> = new Map<unknown, CallOutcome>([
	[500, 'error'],
	[503, 'unavailable'],
	['error-timeout', 'timeout'],
	['too-many-requests', 'limited'],
]);

/** How a call ended, by the error that its caller receives. */
export function outcomeOf(thrown: ClientError | MatchError): CallOutcome {
	if (thrown instanceof MatchError) return 'invalid';
	if (isTooManyLogins(thrown)) return 'limited';
	return OUTCOME_OF_CODE.get(thrown.error) ?? 'refused';
}
