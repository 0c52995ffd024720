import type { Connection, SecondFactor } from '../shared/method.js';
import type { Tally } from './limits/counter.js';

/** What tells a call from all others of its user to its method: whoever asks again comes with the same. */
export interface Mark {
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
	/** The second factor that came with the call. */
	readonly secondFactor?: SecondFactor | undefined;
	/** Absent where the call could not be told from others. */
	readonly mark?: Mark | undefined;
	/** What a change of user means where the call came from; without it, `setUserId` is refused. */
	setUserId?(userId: string | null, hashedToken: string | null, expires?: Date): void | Promise<void>;
	/** Lets the next message of the same connection start. */
	unblock?(): void;
	/** Is told when the method has written something: resolves when all who must know of it do. */
	wrote?(settled: Promise<unknown>): void;
	/** Fires when nobody waits for the outcome any more. */
	readonly signal?: AbortSignal;
	/** How the call stands with its limit, for those who tell the client. */
	counted?(tally: Tally): void;
}
