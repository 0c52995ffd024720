/** The limit of a frame that is not whole yet, before `connect`: `ws` keeps a frame until all of it is there. */
import type { WebSocket } from 'ws';
import type { Receiver } from './transport.js';

/** A client that goes on sending a frame that is too large is disconnected after so many bytes. */
const MAX_FIRST_BYTES = 256 * 1024;

/** Closes the connection once a frame has become too large, until the client has connected. */
export class FirstFrame {
	/** Bytes of the present frame. */
	#unfinished = 0;

	constructor(
		private readonly webSocket: WebSocket,
		private readonly receiver: Receiver,
	) {}

	/** So many bytes more are about to be handled. */
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
