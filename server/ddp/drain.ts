/**
 * The end of a session that answers first what had come in (`test/contract/ddp.md` section 18): stock clients never send again
 * what was lost with a connection. What comes later is left to the server they will find next, or a client that always has
 * a call under way would never go.
 */
import { setImmediate as aTurn, setTimeout as delay } from 'node:timers/promises';

import type { Requests } from './queue.js';
import type { Transport } from './transports/transport.js';

/** What must be known of the session. */
export interface DrainHost {
	/** Whether it has ended by itself. */
	readonly isClosed: boolean;
	/** Unanswered requests. Where reading was ever paused, the client may have sent more than has arrived here. */
	readonly requests: Pick<Requests<unknown>, 'isIdle' | 'isPaused' | 'wasPaused'> | undefined;
	/** Where the client has sent more than was handed over. */
	readonly transport: Pick<Transport, 'isBehind'>;
}

/** How long nothing must come from a client that we had kept waiting, before all it had sent is here, in ms. */
const QUIET_MS = 100;

/** So often it is waited for, where the client just goes on and never has too much unanswered. */
const MAX_WAITS = 20;

export class Drain {
	#came = false;
	#wasPaused = false;
	#isFull = false;
	#recheck: (() => void) | undefined;

	constructor(private readonly session: DrainHost) {}

	/** Whether no more is taken. */
	get isFull(): boolean {
		return this.#isFull;
	}

	/** A message has come. */
	came(): void {
		this.#came = true;
	}

	/** Something about the session has changed. */
	changed(): void {
		if (this.session.requests?.isPaused) this.#wasPaused = true;
		this.#recheck?.();
	}

	/** Resolves when what had come in is answered, or the session has ended. */
	async run(): Promise<void> {
		await this.#catchUp();
		this.#isFull = true;
		await this.#until(() => this.session.requests?.isIdle !== false);
	}

	/** Takes what the client has sent already: what this turn of the event loop brings, or more, where the client had to wait. */
	async #catchUp(): Promise<void> {
		const { session } = this;
		let hadToWait = false;
		for (let waits = 0; waits < MAX_WAITS; waits++) {
			await this.#until(() => !session.requests?.isPaused);
			this.#came = false;
			this.#wasPaused = false;
			hadToWait ||= session.requests?.wasPaused === true || session.transport.isBehind;
			await (hadToWait ? delay(QUIET_MS) : aTurn());
			if (session.isClosed) return;
			if (session.transport.isBehind || this.#wasPaused) {
				hadToWait = true;
				waits = 0;
			} else if (!hadToWait || !this.#came) return;
		}
	}

	/** Waits until something holds, or the session has ended. */
	async #until(holds: () => boolean): Promise<void> {
		while (!this.session.isClosed && !holds()) {
			await new Promise<void>((resolve) => {
				this.#recheck = resolve;
			});
		}
	}
}
