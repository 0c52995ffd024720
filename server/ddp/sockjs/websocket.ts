/** SockJS over a WebSocket: DDP messages in frames of its own (`contract/ddp.md` 1.4). */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Broadcast } from '../broadcast.js';
import type { Heartbeats } from '../heartbeat.js';
import type { OpenSession, TransportOptions } from '../transport.js';
import { textOf, WebSocketTransport } from '../websocket.js';
import { areMessages, messagesFrame, NORMAL_CLOSURE, OPEN_FRAME } from './frames.js';

class FramedTransport extends WebSocketTransport {
	constructor(webSocket: WebSocket, request: IncomingMessage, options: TransportOptions) {
		super(webSocket, request, options);
		super.send(OPEN_FRAME);
	}

	override send(message: string): void {
		super.send(messagesFrame([message]));
	}

	protected override bytesOf({ sockJsFrame }: Broadcast): Buffer {
		return sockJsFrame;
	}

	override close(tooLarge?: boolean): void {
		if (!tooLarge) super.send(NORMAL_CLOSURE);
		super.close(tooLarge);
	}
}

/** The messages in a client's frame: an array of them or a single one. Null where the framing is broken. */
function messagesIn(frame: string): string[] | null {
	if (frame === '') return [];
	try {
		const content: unknown = JSON.parse(frame);
		if (typeof content === 'string') return [content];
		return areMessages(content) ? content : null;
	} catch {
		return null;
	}
}

/**
 * Begins a session over a WebSocket that has just opened on a SockJS path.
 * The heartbeat is the transport's, in pings of WebSocket. DDP has its own; this is for clients that do without.
 */
export function openFramed(
	webSocket: WebSocket,
	request: IncomingMessage,
	openSession: OpenSession,
	options: TransportOptions & { readonly heartbeats: Heartbeats },
): void {
	const transport = new FramedTransport(webSocket, request, options);
	const receiver = openSession(transport);
	const heartbeat = options.heartbeats.start({
		ping: () => webSocket.ping(),
		giveUp: () => fail('No response from heartbeat'),
	});

	/** Gives the client up, without a close frame of SockJS. */
	function fail(reason: string): void {
		heartbeat?.stop();
		webSocket.close(3000, reason);
	}

	webSocket.on('pong', () => heartbeat?.heard());
	webSocket.on('message', (data) => {
		// What follows a broken frame is lost.
		if (webSocket.readyState !== webSocket.OPEN) return;
		heartbeat?.heard();
		const messages = messagesIn(textOf(data));
		if (messages) for (const message of messages) receiver.receive(message);
		else fail('Broken framing.');
	});
	webSocket.on('close', () => {
		heartbeat?.stop();
		receiver.closed();
		options.admissions.leave(transport.clientAddress);
	});
}
