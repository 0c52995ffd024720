/** The limit of frames before `connect`, where they are not whole yet: `ws` keeps a frame until all of it is there. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Receiver } from './transport.js';

/** With so many bytes of one frame, whoever was told that it is too large and goes on sending it is cut off. */
const MAX_FIRST_BYTES = 256 * 1024;

/** Sends a client away once a frame has become too large, until it has connected. */
export function watchFirstFrame(webSocket: WebSocket, socket: Socket, receiver: Receiver): void {
	// How long a compressed frame is, its bytes do not tell; and it is handed over some time after they came.
	if (webSocket.extensions !== '') return;
	let unfinished = 0;

	function onData(chunk: Buffer): void {
		// Of what came before this; `ws` has seen it.
		receiver.allowsFrameSize(unfinished);
		if (unfinished > MAX_FIRST_BYTES) webSocket.terminate();
		unfinished += chunk.length;
	}

	function onMessage(): void {
		unfinished = 0;
		if (!receiver.connected) return;
		socket.off('data', onData);
		webSocket.off('message', onMessage);
	}

	socket.prependListener('data', onData);
	webSocket.on('message', onMessage);
}
