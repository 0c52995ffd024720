/** The context that methods, publications and streams receive. */
import type { DeclaredCollections } from './collections.js';
import type { Events } from './events.js';
import type { Log } from './log.js';
import type { RandomSource } from './random.js';
import type { Store } from './store.js';

/** The client's connection as methods see it (`test/contract/ddp.md` section 13). */
export interface Connection {
	/** The session id sent in `connected`. */
	readonly id: string;
	/** Null if unknown. */
	readonly clientAddress: string | null;
	/** Headers of the upgrade request, with lower-case names; never `cookie` or `authorization`. */
	readonly httpHeaders: Readonly<Record<string, string>>;
	/** Closes the connection with code 1000. Clients reconnect, as a new connection. */
	close(): void;
	/** Calls `listener` when the connection has closed; shortly after this call, if it is closed already. */
	onClose(listener: () => void | Promise<void>): void;
}

/** Server options that methods use. */
export interface Settings {
	/** Whether callers who are not logged in may create an account. */
	readonly signUps: boolean;
	/** How long a member who waits for a room key is reserved for one key holder, in ms (`test/contract/beyond.md` T1). */
	readonly leaseTime: number;
	/** Whether a public key must be usable to seal room keys (`test/contract/beyond.md` E5). */
	readonly strictKeys: boolean;
	/** Whether a sealed key must begin with the key id of its room (`test/contract/beyond.md` E6). */
	readonly strictKeyIds: boolean;
	/**
	 * Whether replacing or resetting identity keys requires the second factor (`test/contract/beyond.md` E15). Users without a
	 * second factor give their password.
	 */
	readonly identitySecondFactor: boolean;
	/** Whether the last holder of a room's key must confirm calls by which they lose it (`test/contract/beyond.md` E11). */
	readonly confirmLastKeyHolder: boolean;
	/** Ways to log in that the application adds, in the order in which they are tried. */
	readonly loginHandlers?: readonly LoginHandler[];
}

/** A way to log in, besides password and resume token. */
export interface LoginHandler {
	/** The `type` in the result of the login. */
	readonly name: string;
	/**
	 * Logs in. `options` is what the client has sent to `login`, unchecked.
	 * @returns the id of an existing user; undefined if the options are for another handler
	 * @throws ClientError if the options are for this handler, and are refused
	 */
	run(options: Readonly<Record<string, unknown>>, context: MethodContext): MaybePromise<LoggedIn | undefined>;
}

/** The user that a login handler has found. */
export interface LoggedIn {
	readonly userId: string;
}

type MaybePromise<T> = T | Promise<T>;

/** The second factor of a caller (`test/contract/rocketchat-e2e.md` 7.5). */
export interface SecondFactor {
	readonly code: string;
	/** `totp`, `email` or `password`; null if the caller does not specify it. */
	readonly method: string | null;
}

/** The context of all code that runs for a caller: methods, publications and streams. */
export interface CallContext {
	/** The caller; null if the caller is not logged in. */
	readonly userId: string | null;
	/** Null for calls over REST and from the server itself. */
	readonly connection: Connection | null;
	readonly store: Store;
	readonly collections: DeclaredCollections;
	readonly settings: Settings;
	readonly log: Log;
	/** Fires after a disconnection or the time limit, or when the server closes. */
	readonly signal: AbortSignal;
	/** Allows the connection's next message to start before this code has ended. */
	unblock(): void;
}

/**
 * What the audit event of a call contains: ids, switches such as `activeStatus`, names of fields, and stored user names.
 * Secrets and other texts that users type are forbidden.
 */
export type AuditedIds = Readonly<Record<string, string | boolean | readonly string[]>>;

/** The two queues of logins: those that compare a password, and those that look up a token. */
export type LoginLane = 'password' | 'token';

/** The context of a method call: the caller, and the services it may use (`test/contract/ddp.md` section 6). */
export interface MethodContext extends CallContext {
	readonly name: string;
	/** The caller when the method starts; only the method's own `setUserId` changes it. */
	readonly userId: string | null;
	/** Hash of the caller's login token, as stored; null if the caller has none. */
	readonly hashedToken: string | null;
	/** The second factor of the call, not yet checked; null without one. */
	readonly secondFactor: SecondFactor | null;
	/** The client's seed for the ids that its simulation of the method generates. */
	readonly randomSeed: string | null;
	/** Random values made from `randomSeed`; unpredictable without a seed. */
	readonly random: RandomSource;
	readonly events: Events;
	/**
	 * Changes the user of the connection; null logs out.
	 * @param hashedToken hash of the login token
	 * @param expires when the token expires, which closes the connection. Absent: never
	 * @throws Error after `unblock`, and in calls by the server itself
	 */
	setUserId(userId: string | null, hashedToken?: string, expires?: Date): Promise<void>;
	/**
	 * Replaces the login token of the connection, without running subscriptions again. Has no effect over REST.
	 * @throws Error after `unblock`
	 */
	setToken(hashedToken: string, expires?: Date): void;
	/**
	 * Runs an attempt to log in with a guessable secret, such as a password. Limits failed attempts for each account, each
	 * address, and each pair of both.
	 * @param account what attempts are counted by, such as the name that the client sent, whether or not it exists
	 * @param run throws a ClientError if the attempt fails. Other errors are not counted as failures
	 * @throws ClientError `too-many-requests`, without calling `run`
	 */
	attempt<T>(account: string, run: () => Promise<T>): Promise<T>;
	/**
	 * Queues a part of a login: only a few run concurrently, so that many logins do not slow down other calls. In a
	 * method that another method calls, the part does not wait.
	 * @throws ClientError 503 if too many logins wait, without calling `run`
	 */
	inLoginLane<T>(lane: LoginLane, run: () => Promise<T>): Promise<T>;
	/** Adds ids to the audit event of this call, if the method has one. Call it as soon as the ids are known. */
	audit(about: AuditedIds): void;
	/** Calls another method as the same user. Its errors are passed on unchanged. */
	call(name: string, ...args: unknown[]): Promise<unknown>;
}

/** The context of a method that only users who are logged in may call. */
export type UserContext = MethodContext & { readonly userId: string };
