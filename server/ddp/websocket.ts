/**
 * A WebSocket as a session's transport. Frames sent within one turn of the event loop leave in one write: the two that
 * answer a method, and all answers to a burst of calls. That halves what a call costs (DESIGN section 3).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Broadcast } from './broadcast.js';
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
	readonly clientAddress: string | null;
	readonly headers: Transport['headers'];
	readonly #socket: Socket;

	/** @param maxBuffered bytes that may wait for a client that does not read; with more it is cut off */
	constructor(
		private readonly webSocket: WebSocket,
		request: IncomingMessage,
		private readonly maxBuffered: number,
	) {
		this.#socket = request.socket;
		this.clientAddress = request.socket.remoteAddress ?? null;
		this.headers = request.headers;
	}

	send(frame: string): void {
		if (this.#mayWrite()) this.webSocket.send(frame, TEXT_FRAME);
	}

	/** Past the library, which would frame it anew for each client. Nothing of it is waiting: it does not compress. */
	broadcast({ webSocketFrame }: Broadcast): void {
		if (this.#mayWrite()) this.#socket.write(webSocketFrame);
	}

	close(): void {
		this.webSocket.close(1000, 'Normal closure');
	}

	pause(): void {
		this.webSocket.pause();
	}

	resume(): void {
		if (this.webSocket.isPaused) this.webSocket.resume();
	}

	roomForMore(): Promise<void> | undefined {
		if (!this.#socket.writableNeedDrain) return undefined;
		const socket = this.#socket;
		return new Promise((resolve) => {
			const done = () => {
				socket.off('drain', done).off('close', done);
				resolve();
			};
			socket.on('drain', done).on('close', done);
		});
	}

	#mayWrite(): boolean {
		if (this.webSocket.readyState !== this.webSocket.OPEN) return false;
		if (this.#socket.writableLength > this.maxBuffered) {
			this.webSocket.terminate();
			return false;
		}
		cork(this.#socket);
		return true;
	}
}
