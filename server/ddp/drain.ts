/**
 * The end of a session during a shutdown (`test/contract/ddp.md` section 18). The session is closed when all requests
 * that have arrived are answered: Rocket.Chat's client does not repeat lost requests. Later requests are ignored,
 * because a client that always has a call in progress would keep its session open for ever.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Requests } from './queue.js';
import type { Transport } from './transports/transport.js';

export interface DrainHost {
	readonly isClosed: boolean;
	/** The unanswered requests; undefined if there are none. If reading was ever paused, more may still be on the way. */
	readonly requests: Pick<Requests<unknown>, 'isIdle' | 'isPaused' | 'wasPaused'> | undefined;
	readonly transport: Pick<Transport, 'hasPendingInput'>;
}

/** How long a client that may have sent more data must be silent before its data counts as fully received, in ms. */
const QUIET_MS = 100;

/**
 * Maximum number of waits in a row for a client that sends more during each wait, though all that has arrived is read.
 */
const MAX_WAITS = 20;

export class Drain {
	#receivedInWait = false;
	#pausedInWait = false;
	#ignoresRequests = false;
	/** Makes `#waitUntil` test its condition again. */
	#recheck: (() => void) | undefined;

	constructor(private readonly session: DrainHost) {}

	get ignoresRequests(): boolean {
		return this.#ignoresRequests;
	}

	/** Must be called for each message that the session receives. */
	onMessage(): void {
		this.#receivedInWait = true;
	}

	/** Must be called when the session's state has changed. */
	onChange(): void {
		if (this.session.requests?.isPaused) this.#pausedInWait = true;
		this.#recheck?.();
	}

	/** Reads the requests that the client has already sent. Resolves when they are answered, or the session has ended. */
	async run(): Promise<void> {
		await this.#catchUp();
		this.#ignoresRequests = true;
		await this.#waitUntil(() => this.session.requests?.isIdle ?? true);
	}

	/**
	 * Waits until the session has received what the client has already sent. Usually that takes one turn of the event loop.
	 * If reading was ever paused, or input is still pending, the client must be silent for `QUIET_MS`.
	 */
	async #catchUp(): Promise<void> {
		const { session } = this;
		let needsSilence = false;
		for (let waits = 0; waits < MAX_WAITS; waits++) {
			await this.#waitUntil(() => !session.requests?.isPaused);
			this.#receivedInWait = false;
			this.#pausedInWait = false;
			needsSilence ||= session.requests?.wasPaused === true || session.transport.hasPendingInput;
			await (needsSilence ? delay(QUIET_MS) : nextTurn());
			if (session.isClosed) return;
			const hasUnreadInput = session.transport.hasPendingInput || this.#pausedInWait;
			const wasSilent = !this.#receivedInWait;
			if (hasUnreadInput) {
				needsSilence = true;
				waits = 0;
			} else if (wasSilent || !needsSilence) return;
		}
	}

	async #waitUntil(holds: () => boolean): Promise<void> {
		while (!this.session.isClosed && !holds()) {
			await new Promise<void>((resolve) => {
				this.#recheck = resolve;
			});
		}
	}
}
