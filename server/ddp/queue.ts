/** The order in which one client's messages are handled (`test/contract/ddp.md` section 5). */
import { createYielder } from '../../shared/yielding.js';

/** What a queue serves. */
export interface QueueHost<T> {
	/** Handles a message. @param release to be called once, at once or later, when the next one may start */
	handle(message: T, release: () => void): void;
	/** Nothing is handled, and nothing waits: the queue may be forgotten. */
	idle(): void;
}

/** So many that had their turn may stand before those that wait. */
const MAX_DONE = 64;

/** One message at a time, in order. A class, since there is one for every client that has sent something. */
export class MessageQueue<T> {
	/** Made when the first one must wait. */
	#waiting: T[] | undefined;
	/** How many of these had their turn. */
	#done = 0;
	/** Whether a message is being handled that the next one must wait for. */
	#busy = false;
	/** Whether those that wait are being handled, or will be once others had their turn. */
	#looping = false;
	/** Made with the first that waits: calls that are answered at once would keep everybody else waiting. */
	#pause: (() => Promise<void> | undefined) | undefined;

	constructor(private readonly host: QueueHost<T>) {}

	/** Messages that wait for their turn. */
	get length(): number {
		return this.#waiting ? this.#waiting.length - this.#done : 0;
	}

	add(message: T): void {
		if (!this.#busy && !this.#looping) {
			// Its turn at once: most clients never have two messages under way.
			this.#handle(message);
			return;
		}
		this.#waiting ??= [];
		this.#waiting.push(message);
	}

	/** Forgets what waits. */
	clear(): void {
		this.#waiting = undefined;
		this.#done = 0;
	}

	#handle(message: T): void {
		this.#busy = true;
		this.host.handle(message, () => this.#release());
	}

	#release(): void {
		this.#busy = false;
		// What is handled at once comes back to here: the loop goes on, the stack does not grow.
		if (!this.#looping) this.#loop();
	}

	#loop(): void {
		this.#looping = true;
		while (!this.#busy && this.length > 0) {
			this.#pause ??= createYielder();
			const pause = this.#pause();
			if (pause) {
				void pause.then(() => this.#loop());
				return;
			}
			this.#handle(this.#next());
		}
		this.#looping = false;
		if (!this.#busy) this.host.idle();
	}

	#next(): T {
		const waiting = this.#waiting as T[];
		const next = waiting[this.#done++] as T;
		if (this.#done === waiting.length) {
			this.clear();
		} else if (this.#done >= MAX_DONE && this.#done * 2 >= waiting.length) {
			waiting.splice(0, this.#done);
			this.#done = 0;
		}
		return next;
	}
}
