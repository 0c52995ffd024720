/**
 * Passes the data of a socket to `ws` in pieces. `ws` handles all frames of a piece synchronously, and a chunk from a
 * fast client may contain thousands of frames. The pacer, which shares the time of the event loop between the clients,
 * decides when the next piece follows. Until then, the rest of the chunk is put back into the socket's read buffer.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Pacer } from './pacer.js';

/** Maximum number of bytes that `ws` handles synchronously. */
const MAX_PIECE_BYTES = 4 * 1024;

type OnData = (this: Socket, chunk: Buffer) => void;

/** The WebSocket that reads a socket, and the state of the paced reading. */
export interface SocketReader {
	readonly webSocket: WebSocket;
	readonly pacer: Pacer;
	/** Whether the socket's data waits for the pacer. Only this file changes it. */
	isWaitingForPacer: boolean;
	/** Whether the server has sent its close frame. Data is still read until the client's close frame. */
	readonly hasSentClose: boolean;
	/** Called before `ws` handles this number of bytes. */
	onBytes(bytes: number): void;
}

/** The property of a socket that contains its reader. All sockets share one listener function. */
const READER = Symbol('reader');

interface PacedSocket extends Socket {
	[READER]: SocketReader;
}

/** The listener with which `ws` reads a socket. It is the same function for all sockets. */
let handleByWs: OnData;

function onData(this: Socket, chunk: Buffer): void {
	const reader = (this as PacedSocket)[READER];
	if (ignoresData(reader, this)) {
		this.off('data', onData);
	} else if (reader.isWaitingForPacer) {
		// `ws` has resumed a socket whose data must still wait.
		this.pause();
		this.unshift(chunk);
	} else if (chunk.length > MAX_PIECE_BYTES) {
		reader.isWaitingForPacer = true;
		this.pause();
		this.unshift(chunk.subarray(MAX_PIECE_BYTES));
		reader.pacer.schedule(() => {
			reader.isWaitingForPacer = false;
			if (!reader.webSocket.isPaused) this.resume();
		});
		passToWs(this, reader, chunk.subarray(0, MAX_PIECE_BYTES));
	} else {
		passToWs(this, reader, chunk);
	}
}

/** Whether `ws` ignores further data: it has read the client's close frame, or invalid data. */
function ignoresData({ webSocket, hasSentClose }: SocketReader, socket: Socket): boolean {
	const hasClientClosed = webSocket.readyState !== WebSocket.OPEN && !hasSentClose;
	return hasClientClosed || socket.writableEnded;
}

function passToWs(socket: Socket, reader: SocketReader, piece: Buffer): void {
	reader.onBytes(piece.length);
	handleByWs.call(socket, piece);
}

/**
 * Discards a long rest in the read buffer of a socket that has closed. Otherwise `ws` would handle all of it in one
 * turn: 80 kB of tiny frames take 4 ms.
 */
function onClose(this: Socket): void {
	this.off('data', onData);
	if (this.readableLength > MAX_PIECE_BYTES) this.read(this.readableLength);
}

/** Reads a socket for `ws` in pieces. `ws` must have just begun to listen on the socket. */
export function paceReading(socket: Socket, reader: SocketReader): void {
	handleByWs = socket.listeners('data')[0] as OnData;
	socket.off('data', handleByWs);
	(socket as PacedSocket)[READER] = reader;
	socket.on('data', onData);
	socket.prependListener('close', onClose);
}
