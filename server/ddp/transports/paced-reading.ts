/**
 * Reads the socket of a WebSocket in pieces. `ws` handles all frames of a chunk synchronously, and a chunk of a fast
 * sender may contain thousands of messages, pings or fragments. So `ws` gets a long chunk in pieces, at the times that
 * the pacer schedules. The rest of the chunk waits in the socket.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Pacer } from './pacer.js';

/** Maximum number of bytes handled synchronously. */
const PIECE = 4 * 1024;

type OnData = (this: Socket, chunk: Buffer) => void;

/** Receives the data read from a socket. */
export interface SocketReader {
	readonly webSocket: WebSocket;
	readonly pacer: Pacer;
	/** Whether it waits for the pacer. Not to be changed by others. */
	waits: boolean;
	/** Whether the server has closed. Then the client's close frame must still be read. */
	readonly hasClosed: boolean;
	/** Called before these bytes are handled. */
	arriving(bytes: number): void;
}

const READER = Symbol('what reads this socket');

interface ReadSocket extends Socket {
	[READER]: SocketReader;
}

/** The listener of `ws`: the same function for all sockets. */
let handOver: OnData;

function onData(this: Socket, chunk: Buffer): void {
	const reader = (this as ReadSocket)[READER];
	if (isDone(reader, this)) {
		this.off('data', onData);
	} else if (reader.waits) {
		// `ws` resumes the socket itself if it has paused it.
		this.pause();
		this.unshift(chunk);
	} else if (chunk.length > PIECE) {
		reader.waits = true;
		this.pause();
		this.unshift(chunk.subarray(PIECE));
		reader.pacer.wait(() => {
			reader.waits = false;
			if (!reader.webSocket.isPaused) this.resume();
		});
		read(this, reader, chunk.subarray(0, PIECE));
	} else {
		read(this, reader, chunk);
	}
}

/** Whether `ws` ignores further data: it has read the client's close frame, or invalid data. */
function isDone({ webSocket, hasClosed }: SocketReader, socket: Socket): boolean {
	return (webSocket.readyState !== WebSocket.OPEN && !hasClosed) || socket.writableEnded;
}

function read(socket: Socket, reader: SocketReader, piece: Buffer): void {
	reader.arriving(piece.length);
	handOver.call(socket, piece);
}

/** Takes over reading from `ws`, which has just begun to listen on the socket. */
export function paceReading(socket: Socket, reader: SocketReader): void {
	handOver = socket.listeners('data')[0] as OnData;
	socket.off('data', handOver);
	(socket as ReadSocket)[READER] = reader;
	socket.on('data', onData);
}
