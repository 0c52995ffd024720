/**
 * Ends a session after it has answered the requests that have arrived (`test/contract/ddp.md` section 18): stock
 * clients never repeat requests that were lost with a connection. Later requests are not read, because a client that
 * always has a call in progress would keep its session open for ever.
 */
import { setImmediate as aTurn, setTimeout as delay } from 'node:timers/promises';

import type { Requests } from './queue.js';
import type { Transport } from './transports/transport.js';

/** The part of the session that a drain needs. */
export interface DrainHost {
	/** Whether the session has already ended. */
	readonly isClosed: boolean;
	/** Unanswered requests. If reading was ever paused, the client may have sent more than has arrived. */
	readonly requests: Pick<Requests<unknown>, 'isIdle' | 'isPaused' | 'wasPaused'> | undefined;
	/** Where the client has sent more than was handed over. */
	readonly transport: Pick<Transport, 'hasPendingInput'>;
}

/** How long a client whose reading was paused must be silent before its data counts as fully received, in ms. */
const QUIET_MS = 100;

/** Maximum number of such waits, for a client that keeps sending without exceeding the limit of unanswered requests. */
const MAX_WAITS = 20;

export class Drain {
	#came = false;
	#wasPaused = false;
	#isFull = false;
	#recheck: (() => void) | undefined;

	constructor(private readonly session: DrainHost) {}

	/** Whether no more requests are accepted. */
	get isFull(): boolean {
		return this.#isFull;
	}

	/** A message has come. */
	came(): void {
		this.#came = true;
	}

	/** Must be called when the session's state has changed. */
	changed(): void {
		if (this.session.requests?.isPaused) this.#wasPaused = true;
		this.#recheck?.();
	}

	/** Resolves when the received requests are answered, or the session has ended. */
	async run(): Promise<void> {
		await this.#catchUp();
		this.#isFull = true;
		await this.#until(() => this.session.requests?.isIdle !== false);
	}

	/** Reads what the client has already sent: the data of this turn of the event loop, or more if reading was paused. */
	async #catchUp(): Promise<void> {
		const { session } = this;
		let hadToWait = false;
		for (let waits = 0; waits < MAX_WAITS; waits++) {
			await this.#until(() => !session.requests?.isPaused);
			this.#came = false;
			this.#wasPaused = false;
			hadToWait ||= session.requests?.wasPaused === true || session.transport.hasPendingInput;
			await (hadToWait ? delay(QUIET_MS) : aTurn());
			if (session.isClosed) return;
			if (session.transport.hasPendingInput || this.#wasPaused) {
				hadToWait = true;
				waits = 0;
			} else if (!hadToWait || !this.#came) return;
		}
	}

	/** Waits until a condition holds, or the session has ended. */
	async #until(holds: () => boolean): Promise<void> {
		while (!this.session.isClosed && !holds()) {
			await new Promise<void>((resolve) => {
				this.#recheck = resolve;
			});
		}
	}
}
