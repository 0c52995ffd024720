/**
 * Limits the size of incomplete frames before `connect`. Otherwise `ws` would buffer any frame until it is complete.
 */
import type { WebSocket } from 'ws';
import type { Receiver } from './transport.js';

/**
 * Number of bytes of a frame after which the client is disconnected: the session has ended at a smaller size, and the client
 * goes on sending.
 */
const MAX_FIRST_BYTES = 256 * 1024;

/** Counts the bytes of the frame that is arriving, and ends the session when they are too many. */
export class FirstFrame {
	/** Bytes that have arrived of the incomplete frame. */
	#frameBytes = 0;

	constructor(
		private readonly webSocket: WebSocket,
		private readonly receiver: Receiver,
	) {}

	/** Must be called before `ws` handles this number of bytes. */
	onBytes(bytes: number): void {
		// The new bytes are not counted yet, because they may belong to the next frame.
		this.receiver.enforceFrameSize(this.#frameBytes);
		if (this.#frameBytes > MAX_FIRST_BYTES) this.webSocket.terminate();
		this.#frameBytes += bytes;
	}

	/** Must be called when the frame is complete. */
	complete(): void {
		this.#frameBytes = 0;
	}
}
