/** The order in which one client's messages are handled (`contract/ddp.md` section 5). */
import type { Transport } from './transport.js';

/** What a queue serves. */
export interface QueueHost<T> {
	/** Handles a message. @param release to be called once, at once or later, when the next one may start */
	handle(message: T, release: () => void): void;
	/** Nothing is handled, and nothing waits: the queue may be forgotten. */
	idle(): void;
}

/** One message at a time, in order. A class, since there is one for every client that has sent something. */
export class MessageQueue<T> {
	/** Made when the first one must wait. */
	#waiting: T[] | undefined;
	/** Whether a message is being handled that the next one must wait for. */
	#busy = false;
	#looping = false;

	/** @param max messages that may wait; while there are more, none are taken from the client */
	constructor(
		private readonly host: QueueHost<T>,
		private readonly transport: Transport,
		private readonly max: number,
	) {}

	add(message: T): void {
		if (!this.#busy && !this.#looping) {
			// Its turn at once: most clients never have two messages under way.
			this.#handle(message);
			return;
		}
		this.#waiting ??= [];
		this.#waiting.push(message);
		if (this.#length > this.max) this.transport.pause();
	}

	/** Forgets what waits. */
	clear(): void {
		this.#waiting = undefined;
	}

	get #length(): number {
		return this.#waiting?.length ?? 0;
	}

	#handle(message: T): void {
		this.#busy = true;
		this.host.handle(message, () => this.#release());
	}

	#release(): void {
		this.#busy = false;
		// What is handled at once comes back to here: the loop goes on, the stack does not grow.
		if (this.#looping) return;
		this.#looping = true;
		while (!this.#busy) {
			const next = this.#waiting?.shift();
			if (next === undefined) break;
			this.#handle(next);
		}
		this.#looping = false;
		if (this.#length <= this.max) this.transport.resume();
		if (!this.#busy) this.host.idle();
	}
}
