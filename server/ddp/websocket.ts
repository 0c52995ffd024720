/**
 * A WebSocket as a session's transport. Frames sent within one turn of the event loop leave in one write: the two that
 * answer a method, and all answers to a burst of calls. That halves what a call costs (DESIGN section 3).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Transport } from './transport.js';

/** Frames are text, and short: compressing them costs more than it saves. */
const TEXT_FRAME = { binary: false, compress: false, fin: true };

let corked: Socket[] = [];

function cork(socket: Socket): void {
	if (socket.writableCorked > 0) return;
	socket.cork();
	if (corked.push(socket) === 1) setImmediate(uncorkAll);
}

function uncorkAll(): void {
	const sockets = corked;
	corked = [];
	for (const socket of sockets) socket.uncork();
}

export class WebSocketTransport implements Transport {
	readonly headers: Transport['headers'];
	readonly #socket: Socket;

	constructor(
		private readonly webSocket: WebSocket,
		request: IncomingMessage,
		readonly clientAddress: string | null,
	) {
		this.#socket = request.socket;
		this.headers = request.headers;
	}

	send(frame: string): void {
		if (this.webSocket.readyState !== this.webSocket.OPEN) return;
		cork(this.#socket);
		this.webSocket.send(frame, TEXT_FRAME);
	}

	close(tooLarge = false): void {
		if (tooLarge) this.webSocket.close(1009, 'Message too big');
		else this.webSocket.close(1000, 'Normal closure');
	}
}
