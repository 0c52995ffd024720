/**
 * Buffers messages that a client has sent and its session has not yet accepted: the rest of a frame, or of one read
 * from the socket.
 */
import { type Pacer, SLICE_MS } from './pacer.js';
import type { Receiver } from './transport.js';

/** Passes messages to a session one by one, in slices that the pacer schedules. Pauses while the session is paused. */
export class IncomingBuffer {
	/** Frames, each as an array of its messages. */
	#frames: (readonly string[])[] = [];
	#paused = false;
	#handing = false;
	#closed = false;
	/** Must be called when the session accepts messages again. */
	#onResume: (() => void) | undefined;

	/** @param onEmpty called when the buffer is empty, or the session has ended */
	constructor(
		private readonly receiver: Receiver,
		private readonly pacer: Pacer,
		private readonly onEmpty: () => void,
	) {}

	/** Whether the session has taken all that came. */
	get isEmpty(): boolean {
		return !this.#handing;
	}

	push(messages: readonly string[]): void {
		if (this.#closed) return;
		this.#frames.push(messages);
		if (!this.#handing) void this.#hand();
	}

	pause(): void {
		this.#paused = true;
	}

	resume(): void {
		this.#paused = false;
		this.#onResume?.();
		if (!this.#handing) this.onEmpty();
	}

	/** Discards the rest, because the session has ended. */
	close(): void {
		this.#closed = true;
		this.resume();
	}

	async #hand(): Promise<void> {
		this.#handing = true;
		let since = performance.now();
		for (let next = 0; next < this.#frames.length; next++) {
			for (const message of this.#frames[next] ?? []) {
				while (this.#paused) await this.#resumed();
				if (this.#closed) break;
				this.receiver.receive(message);
				if (performance.now() - since < SLICE_MS) continue;
				await this.pacer.turn();
				since = performance.now();
			}
		}
		this.#frames = [];
		this.#handing = false;
		if (!this.#paused) this.onEmpty();
	}

	#resumed(): Promise<void> {
		return new Promise((resolve) => {
			this.#onResume = resolve;
		});
	}
}
