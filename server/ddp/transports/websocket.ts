/**
 * A WebSocket as a session's transport. All frames of one turn of the event loop are written to the socket together.
 * That halves the cost of a call.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import type { TransportKind } from '../../core/caller.js';
import { type Broadcast, textFrameHeader } from './broadcast.js';
import type { CloseReason } from './close-reason.js';
import { visibleHeaders } from './headers.js';
import { IncomingBuffer } from './incoming-buffer.js';
import { IncompleteFrame } from './incomplete-frame.js';
import { LongMessage } from './long-message.js';
import { paceReading, type SocketReader } from './paced-reading.js';
import type { Pacer } from './pacer.js';
import type { OpenSession, Receiver, Transport, TransportOptions } from './transport.js';

export interface WebSocketOptions extends TransportOptions {
	/** Whether permessage-deflate may be negotiated. */
	readonly compression: boolean;
}

/** The options with which `ws` sends a text frame. `compress` has no effect without permessage-deflate. */
const TEXT_FRAME = { binary: false, compress: true, fin: true };

/** Sockets whose data is held back until the end of this turn of the event loop. */
let corked: Socket[] = [];

function cork(socket: Socket): void {
	if (socket.writableCorked > 0) return;
	socket.cork();
	if (corked.length === 0) setImmediate(uncorkAll);
	corked.push(socket);
}

function uncorkAll(): void {
	const sockets = corked;
	corked = [];
	for (const socket of sockets) socket.uncork();
}

/** All sockets share the same listener functions, which find the transport here. */
export class ClientSocket extends WebSocket {
	transport: WebSocketTransport | undefined;
}

function onMessage(this: WebSocket, data: RawData): void {
	(this as ClientSocket).transport?.onFrame(data as Buffer);
}

function onClose(this: WebSocket): void {
	(this as ClientSocket).transport?.onClose();
}

export class WebSocketTransport implements Transport, SocketReader {
	readonly kind: TransportKind = 'websocket';
	readonly clientAddress: string | null;
	readonly headers: Transport['headers'];
	readonly #socket: Socket;
	#receiver: Receiver | undefined;
	/** Limits incomplete frames until `connect` is accepted. Undefined afterwards, and with compression. */
	#incompleteFrame: IncompleteFrame | undefined;
	isWaitingForPacer = false;
	hasSentClose = false;
	/** Received messages. Set while the session is paused or has not accepted all of them. */
	#incoming: IncomingBuffer | undefined;
	/** The last long message, while a part of it may still be buffered. */
	#longMessage: LongMessage | undefined;
	/** Set while the socket's send buffer is full, for all callers of `whenDrained`. */
	#drained: Promise<void> | undefined;

	constructor(
		readonly webSocket: ClientSocket,
		request: IncomingMessage,
		private readonly options: WebSocketOptions,
	) {
		this.#socket = request.socket;
		this.clientAddress = options.addressOf(request);
		this.headers = visibleHeaders(request.headers);
	}

	open(openSession: OpenSession): void {
		this.#receiver = openSession(this);
		this.webSocket.transport = this;
		this.webSocket.on('message', onMessage).on('close', onClose);
		// With compression, incomplete frames are not limited: the number of compressed bytes does not show the size of a
		// frame.
		if (this.webSocket.extensions === '') this.#incompleteFrame = new IncompleteFrame(this.webSocket, this.#receiver);
		paceReading(this.#socket, this);
	}

	get bufferedBytes(): number {
		return this.webSocket.bufferedAmount;
	}

	get hasPendingInput(): boolean {
		return this.isWaitingForPacer || this.#incoming !== undefined;
	}

	get pacer(): Pacer {
		return this.options.pacer;
	}

	onBytes(bytes: number): void {
		this.#incompleteFrame?.onBytes(bytes);
	}

	/** Binary frames are read as UTF-8 (`test/contract/ddp.md` 1.2). */
	onFrame(frame: Buffer): void {
		if (this.hasSentClose) return;
		if (this.#receiver?.enforceFrameSize(frame.length)) this.handleFrame(frame.toString());
		if (!this.#incompleteFrame) return;
		if (this.#receiver?.hasAcceptedConnect) this.#incompleteFrame = undefined;
		else this.#incompleteFrame.onFrameEnd();
	}

	protected handleFrame(frame: string): void {
		if (this.#incoming) this.#incoming.push([frame]);
		else this.#receiver?.receive(frame);
	}

	/** Handles all messages of one SockJS frame. Reading is paused until the session has accepted them. */
	protected handleMessages(messages: readonly string[]): void {
		this.incomingBuffer().push(messages);
		// The buffer is gone if the session has accepted all messages immediately.
		if (this.#incoming) this.webSocket.pause();
	}

	private incomingBuffer(): IncomingBuffer {
		this.#incoming ??= new IncomingBuffer(this.#receiver as Receiver, this.options.pacer, () => {
			this.#incoming = undefined;
			if (this.webSocket.isPaused) this.webSocket.resume();
		});
		return this.#incoming;
	}

	onClose(): void {
		this.#incoming?.close();
		this.#receiver?.onClose();
		this.options.admission.release(this.clientAddress);
	}

	send(frame: string): void {
		if (this.prepareWrite()) this.webSocket.send(frame, TEXT_FRAME);
	}

	encodePart(text: string): Buffer {
		return Buffer.from(text);
	}

	/** Sends the parts as one frame, without copying them unless it is compressed. */
	sendParts(parts: readonly Buffer[]): void {
		if (!this.prepareWrite()) return;
		const length = parts.reduce((sum, part) => sum + part.length, 0);
		if (this.usesCompression) {
			this.webSocket.send(Buffer.concat(parts, length), TEXT_FRAME);
		} else {
			this.#socket.write(textFrameHeader(length));
			for (const part of parts) this.#socket.write(part);
		}
		this.#longMessage = new LongMessage(length);
	}

	get isSendingParts(): boolean {
		return this.longMessageLength() > 0 && this.#longMessage?.isOverdue === false;
	}

	/** Length of the long message of which a part is still buffered, in bytes; 0 if there is none. */
	private longMessageLength(): number {
		if (this.#longMessage && !this.isBufferFull) this.#longMessage = undefined;
		return this.#longMessage?.length ?? 0;
	}

	/**
	 * Writes the encoded frame to the socket, because `ws` would encode it again for each client. With compression, `ws`
	 * sends the message, so that it does not overtake frames that wait to be compressed.
	 */
	broadcast(message: Broadcast): void {
		if (this.usesCompression) this.send(message.text);
		else if (this.prepareWrite()) this.#socket.write(this.broadcastFrame(message));
	}

	protected broadcastFrame({ webSocketFrame }: Broadcast): Buffer {
		return webSocketFrame;
	}

	close({ code, text }: CloseReason): void {
		this.hasSentClose = true;
		this.webSocket.close(code, text);
		// Discards buffered messages and resumes reading: the client's close frame comes after all its other data.
		this.#incoming?.close();
	}

	terminate(): void {
		this.webSocket.terminate();
		this.#incoming?.close();
	}

	pause(): void {
		this.incomingBuffer().pause();
		this.webSocket.pause();
	}

	resume(): void {
		this.#incoming?.resume();
	}

	onIdle(time: number, onIdle: () => void): void {
		this.#socket.setTimeout(time).on('timeout', onIdle);
	}

	/** Whether the socket, or the compression before it, buffers more than the high water mark. */
	private get isBufferFull(): boolean {
		// Frames that wait for compression are not in the socket's buffer yet.
		if (this.usesCompression && this.webSocket.bufferedAmount > this.#socket.writableHighWaterMark) return true;
		return this.#socket.writableNeedDrain;
	}

	whenDrained(): Promise<void> | undefined {
		if (!this.isBufferFull) return undefined;
		if (!this.#socket.writableNeedDrain) {
			// `ws` does not report when it has compressed the waiting frames. But it reports when a ping after them was sent.
			return new Promise((resolve) => this.webSocket.ping(undefined, false, () => resolve()));
		}
		const socket = this.#socket;
		this.#drained ??= new Promise((resolve) => {
			const onDrained = () => {
				socket.off('drain', onDrained).off('close', onDrained);
				this.#drained = undefined;
				resolve();
			};
			socket.on('drain', onDrained).on('close', onDrained);
		});
		return this.#drained;
	}

	private get usesCompression(): boolean {
		return this.options.compression && this.webSocket.extensions !== '';
	}

	/**
	 * Must be called before each write. Corks the socket, or disconnects the client if too much is buffered for it.
	 * @returns whether the message can be written
	 */
	private prepareWrite(): boolean {
		if (this.webSocket.readyState !== this.webSocket.OPEN) return false;
		if (this.webSocket.bufferedAmount > this.options.maxBuffered + this.longMessageLength()) {
			this.options.observer?.onOverflow();
			this.terminate();
			return false;
		}
		cork(this.#socket);
		return true;
	}
}
