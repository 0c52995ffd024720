import type { Connection, SecondFactor } from '../../shared/method.js';
import type { RateLimitResult } from './limits/counter.js';

/** What tells a call from all others of its user to its method: whoever asks again comes with the same. */
export interface IdempotencyKey {
	readonly key: string;
	/** The session it came in by, null over REST. Within one session a mark that comes again is a call of its own. */
	readonly session: string | null;
}

/** Who calls, as the transport knows them. */
export interface Caller {
	readonly userId: string | null;
	/** Hash of the login token they came with. */
	readonly hashedToken: string | null;
	readonly connection: Connection | null;
	/** Its id, for those who need no more of it: it is made when it is asked for. Absent where there is none. */
	readonly connectionId?: string | undefined;
	/** Network address of the client, null where it is unknown. */
	readonly clientAddress: string | null;
	readonly randomSeed?: string | null;
	/** True for a call within something that runs here, be it a method or a publication: it is not counted. */
	readonly isNested?: boolean;
	/** The second factor that came with the call. */
	readonly secondFactor?: SecondFactor | undefined;
	/** Absent where the call could not be told from others. */
	readonly idempotencyKey?: IdempotencyKey | undefined;
	/** What a change of user means where the call came from; without it, `setUserId` is refused. */
	setUserId?(userId: string | null, hashedToken: string | null, expires?: Date): void | Promise<void>;
	/** Another login token of the same user; left out where no connection depends on it. */
	setToken?(hashedToken: string, expires?: Date): void;
	/** Lets the next message of the same connection start; left out where none waits. */
	unblock?(): void;
	/** Is told when the method has written something: resolves when all who must know of it do. */
	onWrite?(settled: Promise<unknown>): void;
	/** Fires when nobody waits for the outcome any more. */
	readonly signal?: AbortSignal;
	/** How the call stands with its limit, for those who tell the client. */
	onRateLimit?(tally: RateLimitResult): void;
}
