/**
 * Decides when a new DDP connection may open, so that many new clients do not slow down the others. A connection beyond
 * the allowed rate waits. It is refused if the queue is full, or if it has waited for a few seconds.
 */
import { FairQueue } from './fairQueue.js';
import { type ConnectionLimiter, type ConnectionRefused, limitConnections } from './limits/connections.js';
import type { ServerObserver } from './observer.js';
import { spreadOverTurns } from './turns.js';

export interface AdmissionOptions {
	readonly maxPerAddress: number;
	/** Maximum number of connections of the process. */
	readonly max: number;
	/**
	 * Number of connections that may open in a second. After a second without connections, that many may open at once.
	 */
	readonly perSecond: number;
	/** Whether the process is overloaded. Only `OVERLOADED_PER_SECOND` connections then open in a second. */
	isOverloaded(): boolean;
	readonly observer?: ServerObserver | undefined;
}

/** Receives why a connection is refused; undefined if it may open. */
export type Decide = (refused: ConnectionRefused | undefined) => void;

interface WaitingConnection {
	readonly address: string | null;
	readonly decide: Decide;
	readonly timer: NodeJS.Timeout;
}

/** How long a connection waits at most, in ms. */
export const MAX_WAIT_MS = 5000;

/**
 * At most `perSecond * MAX_WAITING_SECONDS` connections wait; each needs 10 kB. Only a tenth of them can open within
 * `MAX_WAIT_MS`, but the others make no further attempts until then. Measured with 10,000 clients at once: all are
 * connected after 76 s, with 27,000 refused attempts. With 5 instead of 50, it takes 120 s and 33,000 refused attempts.
 */
export const MAX_WAITING_SECONDS = 50;

const TIMEOUT_REFUSALS = { perTurn: 3, maxWaiting: Number.POSITIVE_INFINITY };

/**
 * Each tick adds to `#credit`, and opens connections that wait. With many ticks, few connections open in one turn of
 * the event loop. A connection with its login takes about 1 ms of work.
 */
const TICKS_PER_SECOND = 200;

/**
 * Number of connections that open in a second while the process is overloaded. It is not 0, so that the process can
 * still be reached.
 */
const OVERLOADED_PER_SECOND = 5;

const TOO_FAST: ConnectionRefused = { status: 503, text: 'Too many clients connect at the moment' };
const OVERLOADED: ConnectionRefused = { status: 503, text: 'The server is overloaded' };

const STOPPING: ConnectionRefused = { status: 503, text: 'The server is about to end.' };

const MIN_RETRY_S = 5;
const MAX_RETRY_S = 30;

/** Seconds after which a refused client may connect again. Random, so that refused clients do not all return together. */
export function retryConnectionSeconds(): number {
	return MIN_RETRY_S + Math.floor(Math.random() * (MAX_RETRY_S - MIN_RETRY_S + 1));
}

export class Admission {
	readonly #limiter: ConnectionLimiter;
	readonly #waiting = new FairQueue<WaitingConnection>();
	/** Credit for opening connections. A connection costs `TICKS_PER_SECOND`, and each tick adds `perSecond`. */
	#credit: number;
	/** Runs while the credit is not full or connections wait. */
	#ticker: NodeJS.Timeout | undefined;
	/** Admits a few waiting connections while the process is overloaded. Ends with `#ticker`. */
	#overloadTicker: NodeJS.Timeout | undefined;
	/**
	 * Refuses a connection that has waited too long. Connections that arrived together also time out together. So only a
	 * few are refused in one turn of the event loop.
	 */
	readonly #onTimeout = spreadOverTurns<WaitingConnection>(TIMEOUT_REFUSALS, (connection) => {
		if (!this.#remove(connection)) return;
		this.release(connection.address);
		this.#refuse(connection.address, connection.decide);
	});
	#isClosed = false;

	constructor(private readonly options: AdmissionOptions) {
		this.#limiter = limitConnections(options.maxPerAddress, options.max, options.observer);
		this.#credit = this.#maxCredit;
	}

	/**
	 * Asks for a connection. A connection that waits counts towards the limits too.
	 * @param decide called once, before this function returns or later
	 * @returns undefined if `decide` was called; otherwise a function to call if the client disconnects while it waits:
	 *   then `decide` is not called
	 */
	request(address: string | null, decide: Decide): (() => void) | undefined {
		if (this.#isClosed) {
			decide(STOPPING);
			return undefined;
		}
		// Checked first: if very many clients connect at once, most are refused here, at the least cost.
		const maxWaiting = this.options.perSecond * MAX_WAITING_SECONDS;
		if (this.#waiting.size >= maxWaiting) {
			this.#refuse(address, decide);
			return undefined;
		}
		const refused = this.#limiter.acquire(address);
		if (refused) decide(refused);
		else if (this.#waiting.size === 0 && this.#spendCreditUnlessOverloaded()) decide(undefined);
		else return this.#hold(address, decide);
		return undefined;
	}

	/** Must be called once when an admitted connection has closed. */
	release(address: string | null): void {
		this.#limiter.release(address);
	}

	get isClosed(): boolean {
		return this.#isClosed;
	}

	/** Refuses all connections that wait, and all further ones. */
	close(): void {
		this.#isClosed = true;
		for (let connection = this.#takeNext(); connection; connection = this.#takeNext()) {
			this.release(connection.address);
			connection.decide(STOPPING);
		}
		this.#stopTimers();
	}

	get #maxCredit(): number {
		return this.options.perSecond * TICKS_PER_SECOND;
	}

	#spendCreditUnlessOverloaded(): boolean {
		return !this.options.isOverloaded() && this.#spendCredit();
	}

	/** @returns false if the credit is not enough for a connection */
	#spendCredit(): boolean {
		if (this.#credit < TICKS_PER_SECOND) return false;
		this.#credit -= TICKS_PER_SECOND;
		this.#startTicker();
		return true;
	}

	#startTicker(): void {
		this.#ticker ??= setInterval(() => this.#tick(), 1000 / TICKS_PER_SECOND).unref();
	}

	#startOverloadTicker(): void {
		this.#overloadTicker ??= setInterval(() => {
			if (this.options.isOverloaded() && this.#waiting.size > 0 && this.#spendCredit()) this.#admitNext();
		}, 1000 / OVERLOADED_PER_SECOND).unref();
	}

	#stopTimers(): void {
		clearInterval(this.#ticker);
		clearInterval(this.#overloadTicker);
		this.#ticker = undefined;
		this.#overloadTicker = undefined;
	}

	#tick(): void {
		this.#credit = Math.min(this.#credit + this.options.perSecond, this.#maxCredit);
		while (this.#waiting.size > 0 && this.#spendCreditUnlessOverloaded()) this.#admitNext();
		if (this.#waiting.size > 0 || this.#credit < this.#maxCredit) return;
		this.#stopTimers();
	}

	#admitNext(): void {
		this.#takeNext()?.decide(undefined);
	}

	#takeNext(): WaitingConnection | undefined {
		const connection = this.#waiting.take();
		if (connection) this.#onLeftQueue(connection);
		return connection;
	}

	#hold(address: string | null, decide: Decide): () => void {
		const timer = setTimeout(() => this.#onTimeout(connection), MAX_WAIT_MS).unref();
		const connection: WaitingConnection = { address, decide, timer };
		this.#waiting.add(connection);
		this.options.observer?.onConnectionHeld();
		this.options.observer?.onWaitingConnections(this.#waiting.size);
		this.#startTicker();
		this.#startOverloadTicker();
		return () => {
			if (this.#remove(connection)) this.release(address);
		};
	}

	/** @returns whether the connection was in the queue */
	#remove(connection: WaitingConnection): boolean {
		if (!this.#waiting.delete(connection)) return false;
		this.#onLeftQueue(connection);
		return true;
	}

	#onLeftQueue({ timer }: WaitingConnection): void {
		clearTimeout(timer);
		this.options.observer?.onWaitingConnections(this.#waiting.size);
	}

	/** Refuses a connection because of the rate or the load. `ConnectionLimiter` reports those that it refuses. */
	#refuse(address: string | null, decide: Decide): void {
		const isOverloaded = this.options.isOverloaded();
		this.options.observer?.onConnectionRefused(isOverloaded ? 'load' : 'rate', address);
		decide(isOverloaded ? OVERLOADED : TOO_FAST);
	}
}
