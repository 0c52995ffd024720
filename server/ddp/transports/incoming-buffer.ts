/**
 * Buffers the messages of a client until its session accepts them: the rest of a SockJS frame with many messages, or
 * the frames that `ws` still emits after it was paused.
 */
import { type Pacer, SLICE_MS } from './pacer.js';
import type { Receiver } from './transport.js';

/** Passes messages to a session, in slices that the pacer schedules. Stops while the session is paused. */
export class IncomingBuffer {
	/** The messages of each frame. */
	#frames: (readonly string[])[] = [];
	#paused = false;
	#isDelivering = false;
	#closed = false;
	/** Ends the wait of `#deliver` for a paused session. */
	#onResume: (() => void) | undefined;

	/** @param onReady called when the transport may read on, or the session has ended */
	constructor(
		private readonly receiver: Receiver,
		private readonly pacer: Pacer,
		private readonly onReady: () => void,
	) {}

	/** Whether the session has accepted all received messages. */
	get isEmpty(): boolean {
		return !this.#isDelivering;
	}

	push(messages: readonly string[]): void {
		if (this.#closed) return;
		this.#frames.push(messages);
		if (!this.#isDelivering) void this.#deliver();
	}

	pause(): void {
		this.#paused = true;
	}

	resume(): void {
		this.#paused = false;
		this.#onResume?.();
		if (!this.#isDelivering) this.onReady();
	}

	/** Discards the remaining messages, because the session has ended. */
	close(): void {
		this.#closed = true;
		// Ends `#deliver`, which may wait for a resume.
		this.resume();
	}

	async #deliver(): Promise<void> {
		this.#isDelivering = true;
		let sliceStart = performance.now();
		// `push` may add frames during the loop.
		for (let next = 0; next < this.#frames.length; next++) {
			for (const message of this.#frames[next] ?? []) {
				while (this.#paused) await this.#untilResumed();
				if (this.#closed) break;
				this.receiver.receive(message);
				if (performance.now() - sliceStart < SLICE_MS) continue;
				await this.pacer.waitForTurn();
				sliceStart = performance.now();
			}
		}
		this.#frames = [];
		this.#isDelivering = false;
		if (!this.#paused) this.onReady();
	}

	#untilResumed(): Promise<void> {
		return new Promise((resolve) => {
			this.#onResume = resolve;
		});
	}
}
