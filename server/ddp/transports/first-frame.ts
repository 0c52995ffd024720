/** Limits the size of incomplete frames before `connect`: `ws` buffers a frame until it is complete. */
import type { WebSocket } from 'ws';
import type { Receiver } from './transport.js';

/** A client that continues to send a too large frame is disconnected after this number of bytes. */
const MAX_FIRST_BYTES = 256 * 1024;

/** Closes the connection once a frame has become too large, until the client has connected. */
export class FirstFrame {
	/** Bytes of the present frame. */
	#unfinished = 0;

	constructor(
		private readonly webSocket: WebSocket,
		private readonly receiver: Receiver,
	) {}

	/** Must be called before these bytes are handled. */
	arriving(bytes: number): void {
		this.receiver.allowsFrameSize(this.#unfinished);
		if (this.#unfinished > MAX_FIRST_BYTES) this.webSocket.terminate();
		this.#unfinished += bytes;
	}

	/** A frame is whole. */
	complete(): void {
		this.#unfinished = 0;
	}
}
