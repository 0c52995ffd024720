/**
 * Reads the socket of a WebSocket in pieces. `ws` handles all frames of a chunk in one go, and a chunk of a client that sends
 * as fast as it can holds thousands of them, be they messages, pings or fragments. So `ws` gets a long chunk piece by piece,
 * when the pacer says so. The rest of the chunk waits in the socket.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Pacer } from './pacer.js';

/** Most bytes that are handled in one go. */
const PIECE = 4 * 1024;

type OnData = (this: Socket, chunk: Buffer) => void;

/** What is read from a socket goes through this. */
export interface SocketReader {
	readonly webSocket: WebSocket;
	readonly pacer: Pacer;
	/** Whether it waits for the pacer. Not to be changed by others. */
	waits: boolean;
	/** Whether our side has closed. Then the close frame of the client is still to be read. */
	readonly hasClosed: boolean;
	/** So many bytes are about to be handled. */
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
		// `ws` resumes the socket by itself when it had paused it.
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

/** Whether `ws` takes no more: it has read the close frame of the client, or something that is no frame. */
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
