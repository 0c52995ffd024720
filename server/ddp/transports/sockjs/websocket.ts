/**
 * SockJS over a WebSocket, whose frames contain SockJS frames with DDP messages (`test/contract/ddp.md` 1.4). WebSocket
 * pings are a second heartbeat, beside that of DDP.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { HeartbeatPeer, Heartbeats } from '../../heartbeat.js';
import type { Broadcast } from '../broadcast.js';
import { type CloseReason, TOO_LARGE } from '../close-reason.js';
import { areMessages, closeFrame, encodeMessagePart, messagesFrame, OPEN_FRAME } from '../sockjs-frames.js';
import type { OpenSession } from '../transport.js';
import { type ClientSocket, type WebSocketOptions, WebSocketTransport } from '../websocket.js';

export interface SockJsWebSocketOptions extends WebSocketOptions {
	readonly heartbeats: Heartbeats;
}

/**
 * The messages in a client's SockJS frame: an array of messages, or a single message.
 * @returns null for an invalid frame
 */
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

function onPong(this: WebSocket): void {
	((this as ClientSocket).transport as SockJsWebSocketTransport).markActive();
}

export class SockJsWebSocketTransport extends WebSocketTransport implements HeartbeatPeer {
	override readonly kind = 'sockjs-websocket';
	slot: HeartbeatPeer['slot'];
	active = false;
	readonly #heartbeats: Heartbeats;

	constructor(webSocket: ClientSocket, request: IncomingMessage, options: SockJsWebSocketOptions) {
		super(webSocket, request, options);
		this.#heartbeats = options.heartbeats;
	}

	override open(openSession: OpenSession): void {
		super.send(OPEN_FRAME);
		super.open(openSession);
		this.#heartbeats.start(this);
		this.webSocket.on('pong', onPong);
	}

	protected override handleFrame(frame: string): void {
		// Data after an invalid frame is discarded.
		if (this.webSocket.readyState !== this.webSocket.OPEN) return;
		this.markActive();
		const messages = messagesIn(frame);
		if (!messages) this.fail('Broken framing.');
		else if (messages.length === 1) super.handleFrame(messages[0] as string);
		else this.handleMessages(messages);
	}

	override onClose(): void {
		this.#heartbeats.stop(this);
		super.onClose();
	}

	override send(message: string): void {
		super.send(messagesFrame([message]));
	}

	override encodePart(text: string): Buffer {
		return super.encodePart(encodeMessagePart(text));
	}

	override sendParts(parts: readonly Buffer[]): void {
		super.sendParts([Buffer.from('a["'), ...parts, Buffer.from('"]')]);
	}

	protected override broadcastFrame({ sockJsFrame }: Broadcast): Buffer {
		return sockJsFrame;
	}

	override close(reason: CloseReason): void {
		// `ws` closes the connection after a too large frame without a SockJS close frame. So does this transport.
		if (reason !== TOO_LARGE) super.send(closeFrame(reason));
		super.close(reason);
	}

	/** Called when the client has sent something, or reading resumes. */
	markActive(): void {
		this.#heartbeats.markActive(this);
	}

	ping(): void {
		this.webSocket.ping();
	}

	override resume(): void {
		this.markActive();
		super.resume();
	}

	onTimeout(): void {
		// While reading is paused, a pong is not read. While a long message is sent, the ping waits behind it.
		if (!this.webSocket.isPaused && !this.isSendingParts) this.fail('No response from heartbeat');
	}

	/** Closes the WebSocket without a SockJS close frame. */
	private fail(reason: string): void {
		this.#heartbeats.stop(this);
		super.close({ code: 3000, text: reason });
	}
}
