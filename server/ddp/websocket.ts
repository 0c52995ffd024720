/**
 * A WebSocket as a session's transport. Frames sent within one turn of the event loop leave in one write: the two that
 * answer a method, and all answers to a burst of calls. That halves what a call costs (DESIGN section 3).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { OpenSession, Transport } from './transport.js';

/** Compressed only where the setting has it: `ws` leaves it on sockets that have not agreed on permessage-deflate. */
const TEXT_FRAME = { binary: false, compress: true, fin: true };

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

export function textOf(data: RawData): string {
	// Binary frames are read as UTF-8 (1.2). With the default binaryType `ws` hands over one Buffer.
	return (data as Buffer).toString();
}

export class WebSocketTransport implements Transport {
	readonly clientAddress: string | null;
	readonly headers: Transport['headers'];
	readonly #socket: Socket;

	constructor(
		private readonly webSocket: WebSocket,
		request: IncomingMessage,
	) {
		this.#socket = request.socket;
		this.clientAddress = request.socket.remoteAddress ?? null;
		this.headers = request.headers;
	}

	/** With the bytes still in the socket, and those that are being compressed. */
	get bufferedAmount(): number {
		return this.webSocket.bufferedAmount;
	}

	send(frame: string): void {
		if (this.webSocket.readyState !== this.webSocket.OPEN) return;
		cork(this.#socket);
		this.webSocket.send(frame, TEXT_FRAME);
	}

	close(): void {
		this.webSocket.close(1000, 'Normal closure');
	}
}

/** Begins a session over a WebSocket that has just opened: a message is a frame. */
export function openRaw(webSocket: WebSocket, request: IncomingMessage, openSession: OpenSession): void {
	const receiver = openSession(new WebSocketTransport(webSocket, request));
	webSocket.on('message', (data) => receiver.receive(textOf(data)));
	webSocket.on('close', () => receiver.closed());
}
