/**
 * Decides when a new DDP connection may open, so that many clients that connect at once do not slow down the others. A
 * connection beyond the rate waits. It is refused if the queue is full, or if it has waited for a few seconds.
 */
import { FairQueue } from './fairQueue.js';
import { type ConnectionLimiter, type ConnectionRefused, limitConnections } from './limits/connections.js';
import type { ServerObserver } from './observer.js';
import { spreadOverTurns } from './turns.js';

export interface AdmissionOptions {
	/** Maximum number of connections of one address. */
	readonly maxPerAddress: number;
	/** Maximum number of connections of the process. */
	readonly max: number;
	/** Number of connections that may open in a second. After a second without connections, that many may open at once. */
	readonly perSecond: number;
	/** Whether the process is overloaded. If it is, only a few connections open, so that the process can still be reached. */
	isOverloaded(): boolean;
	readonly observer?: ServerObserver | undefined;
}

/** Receives the decision about a connection: why it is refused; undefined if it may open. */
export type Decide = (refused: ConnectionRefused | undefined) => void;

interface WaitingConnection {
	readonly address: string | null;
	readonly decide: Decide;
	readonly timer: NodeJS.Timeout;
}

/** How long a connection waits at most, in ms. */
export const MAX_WAIT_MS = 5000;

/**
 * The length of a full queue, in seconds: at most `perSecond * MAX_WAITING_SECONDS` connections wait. Only a tenth of
 * them can open within `MAX_WAIT_MS`. The others time out, but make no further attempts until then. Measured with 10,000
 * clients that connect at once: with 50 s instead of 5 s, all are connected after 76 s instead of 120 s, with 27,000 refused
 * attempts instead of 33,000. A waiting connection needs 10 kB.
 */
export const MAX_WAITING_SECONDS = 50;

/** Limits the connections that are refused in one turn of the event loop because they have waited too long. */
const TIMEOUT_REFUSALS = { perTurn: 3, maxWaiting: Number.POSITIVE_INFINITY };

/**
 * Number of ticks in a second. Each tick adds to `#credit`, and opens connections that wait. The number is high, so that few
 * connections open in one turn of the event loop: a connection with its login takes about a millisecond of work.
 */
const TICKS_PER_SECOND = 200;

/** Number of connections that open in a second while the process is overloaded. */
const OVERLOADED_PER_SECOND = 5;

const TOO_FAST: ConnectionRefused = { status: 503, text: 'Too many clients connect at the moment' };
const OVERLOADED: ConnectionRefused = { status: 503, text: 'The server is overloaded' };

/** The answer to connections during a shutdown. */
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
	/** Credit for opening connections now. A connection costs `TICKS_PER_SECOND`, and each tick adds `perSecond`. */
	#credit: number;
	/** Runs while the credit is not full or connections wait. */
	#ticker: NodeJS.Timeout | undefined;
	/** Admits a few connections while the process is overloaded. Started when a connection waits, ended with `#ticker`. */
	#overloadTicker: NodeJS.Timeout | undefined;
	/**
	 * Refuses a connection that has waited too long. Only a few are refused in one turn of the event loop, because those
	 * that arrived together also time out together.
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
	 * Asks for a connection. Unless refused, it counts towards the limits from now on, even while it waits.
	 * @param decide called once, before this function returns or later
	 * @returns undefined if `decide` was called; otherwise a function to call if the client disconnects while it waits:
	 *   then `decide` is not called
	 */
	request(address: string | null, decide: Decide): (() => void) | undefined {
		if (this.#isClosed) {
			decide(STOPPING);
			return undefined;
		}
		// The length of the queue is checked first, because that costs the least: if very many clients connect at once, most
		// are refused here.
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

	/** Whether no connection may open any more. */
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

	/** Takes the credit for one connection. @returns false if there is not enough */
	#spendCredit(): boolean {
		if (this.#credit < TICKS_PER_SECOND) return false;
		this.#credit -= TICKS_PER_SECOND;
		this.#startTicker();
		return true;
	}

	#startTicker(): void {
		this.#ticker ??= setInterval(() => this.#tick(), 1000 / TICKS_PER_SECOND).unref();
	}

	/** Starts the timer that admits a few waiting connections while the process is overloaded. */
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

	/** Adds credit, and admits waiting connections with this credit. */
	#tick(): void {
		this.#credit = Math.min(this.#credit + this.options.perSecond, this.#maxCredit);
		while (this.#waiting.size > 0 && this.#spendCreditUnlessOverloaded()) this.#admitNext();
		if (this.#waiting.size > 0 || this.#credit < this.#maxCredit) return;
		this.#stopTimers();
	}

	#admitNext(): void {
		this.#takeNext()?.decide(undefined);
	}

	/** Removes the next connection from the queue; undefined if none waits. */
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

	/** Removes a connection from the queue. @returns whether it was in the queue */
	#remove(connection: WaitingConnection): boolean {
		if (!this.#waiting.delete(connection)) return false;
		this.#onLeftQueue(connection);
		return true;
	}

	#onLeftQueue({ timer }: WaitingConnection): void {
		clearTimeout(timer);
		this.options.observer?.onWaitingConnections(this.#waiting.size);
	}

	/** Refuses a connection because of the rate or the load. The limiter itself reports the connections that it refuses. */
	#refuse(address: string | null, decide: Decide): void {
		const isOverloaded = this.options.isOverloaded();
		this.options.observer?.onConnectionRefused(isOverloaded ? 'load' : 'rate', address);
		decide(isOverloaded ? OVERLOADED : TOO_FAST);
	}
}
