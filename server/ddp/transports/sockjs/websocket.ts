/**
 * SockJS over a WebSocket: DDP messages in frames of its own (`test/contract/ddp.md` 1.4). The heartbeat is the
 * transport's, in pings of WebSocket. DDP has its own heartbeat; this one is for clients without it.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { HeartbeatPeer, Heartbeats } from '../../heartbeat.js';
import type { Broadcast } from '../broadcast.js';
import { type CloseReason, TOO_LARGE } from '../close-reason.js';
import { areMessages, closeFrame, encodeMessagePart, messagesFrame, OPEN_FRAME } from '../sockjs-frames.js';
import type { OpenSession } from '../transport.js';
import { type ClientSocket, type WebSocketOptions, WebSocketTransport } from '../websocket.js';

export interface FramedOptions extends WebSocketOptions {
	readonly heartbeats: Heartbeats;
}

/** Parses the messages in a client's frame: an array or a single message. Null if the frame is invalid. */
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
	((this as ClientSocket).transport as FramedTransport).alive();
}

export class FramedTransport extends WebSocketTransport implements HeartbeatPeer {
	override readonly kind = 'sockjs-websocket';
	slot: HeartbeatPeer['slot'];
	active = false;
	readonly #heartbeats: Heartbeats;

	constructor(webSocket: ClientSocket, request: IncomingMessage, options: FramedOptions) {
		super(webSocket, request, options);
		this.#heartbeats = options.heartbeats;
	}

	override open(openSession: OpenSession): void {
		super.send(OPEN_FRAME);
		super.open(openSession);
		this.#heartbeats.start(this);
		this.webSocket.on('pong', onPong);
	}

	protected override received(frame: string): void {
		// Data after an invalid frame is discarded.
		if (this.webSocket.readyState !== this.webSocket.OPEN) return;
		this.alive();
		const messages = messagesIn(frame);
		if (!messages) this.fail('Broken framing.');
		else if (messages.length === 1) super.received(messages[0] as string);
		else this.receivedMany(messages);
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

	protected override bytesOf({ sockJsFrame }: Broadcast): Buffer {
		return sockJsFrame;
	}

	override close(reason: CloseReason): void {
		// `ws` closes a connection itself for a too large frame, without a SockJS close frame.
		if (reason !== TOO_LARGE) super.send(closeFrame(reason));
		super.close(reason);
	}

	alive(): void {
		this.#heartbeats.active(this);
	}

	ping(): void {
		this.webSocket.ping();
	}

	override resume(): void {
		this.alive();
		super.resume();
	}

	onTimeout(): void {
		// Its answer is not read, or follows after a long message.
		if (!this.webSocket.isPaused && !this.isSendingParts) this.fail('No response from heartbeat');
	}

	/** Ends the connection without a close frame of SockJS. */
	private fail(reason: string): void {
		this.#heartbeats.stop(this);
		super.close({ code: 3000, text: reason });
	}
}
