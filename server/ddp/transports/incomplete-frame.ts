/** Limits the size of the incomplete frames that `ws` buffers before `connect`. */
import type { WebSocket } from 'ws';
import type { Receiver } from './transport.js';

/**
 * Size of an incomplete frame, in bytes, above which the client is disconnected. The session ends at a smaller size.
 * This limit is for a client that goes on sending after that.
 */
const MAX_INCOMPLETE_BYTES = 256 * 1024;

/** Counts the bytes of the incomplete frame. Ends the session if there are too many. */
export class IncompleteFrame {
	#frameBytes = 0;

	constructor(
		private readonly webSocket: WebSocket,
		private readonly receiver: Receiver,
	) {}

	/** Must be called before `ws` handles this number of bytes. */
	onBytes(bytes: number): void {
		// The new bytes are counted afterwards, because they may belong to the next frame.
		this.receiver.enforceFrameSize(this.#frameBytes);
		if (this.#frameBytes > MAX_INCOMPLETE_BYTES) this.webSocket.terminate();
		this.#frameBytes += bytes;
	}

	onFrameEnd(): void {
		this.#frameBytes = 0;
	}
}
