/**
 * A WebSocket as a session's transport. Frames sent within one turn of the event loop leave in one write: the two that
 * answer a method, and all answers to a burst of calls. That halves the cost of a call (DESIGN section 3).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import type { TransportKind } from '../../core/caller.js';
import { type Broadcast, textFrameHeader } from './broadcast.js';
import type { CloseReason } from './close-reason.js';
import { FirstFrame } from './first-frame.js';
import { visibleHeaders } from './headers.js';
import { IncomingBuffer } from './incoming-buffer.js';
import { LongMessage } from './long-message.js';
import { paceReading, type SocketReader } from './paced-reading.js';
import type { Pacer } from './pacer.js';
import type { OpenSession, Receiver, Transport, TransportOptions } from './transport.js';

export interface WebSocketOptions extends TransportOptions {
	/** Whether permessage-deflate may be negotiated. */
	readonly compression: boolean;
}

/** Compressed only if the option is set: `ws` also sets the flag on sockets without permessage-deflate. */
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

/** A WebSocket with a reference to its transport, so that all sockets share the same listener functions. */
export class ClientSocket extends WebSocket {
	transport: WebSocketTransport | undefined;
}

function onMessage(this: WebSocket, data: RawData): void {
	// With the default binaryType `ws` hands over one Buffer.
	(this as ClientSocket).transport?.arrived(data as Buffer);
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
	/** Set until the client has sent `connect`. */
	#firstFrame: FirstFrame | undefined;
	waits = false;
	hasClosed = false;
	/** Set while the session is paused, or has not accepted all messages. */
	#inbox: IncomingBuffer | undefined;
	/** Set while a long message may be buffered. */
	#sending: LongMessage | undefined;
	/** Set while its buffer is full: several callers may wait for the same promise. */
	#room: Promise<void> | undefined;

	constructor(
		readonly webSocket: ClientSocket,
		request: IncomingMessage,
		private readonly options: WebSocketOptions,
	) {
		this.#socket = request.socket;
		this.clientAddress = options.addressOf(request);
		this.headers = visibleHeaders(request.headers);
	}

	/** Begins a session. */
	open(openSession: OpenSession): void {
		this.#receiver = openSession(this);
		this.webSocket.transport = this;
		this.webSocket.on('message', onMessage).on('close', onClose);
		// The bytes of a compressed frame do not show its real length, and it is passed on after a delay.
		if (this.webSocket.extensions === '') this.#firstFrame = new FirstFrame(this.webSocket, this.#receiver);
		paceReading(this.#socket, this);
	}

	get bufferedBytes(): number {
		return this.webSocket.bufferedAmount;
	}

	get isBehind(): boolean {
		return this.waits || this.#inbox !== undefined;
	}

	get pacer(): Pacer {
		return this.options.pacer;
	}

	arriving(bytes: number): void {
		this.#firstFrame?.arriving(bytes);
	}

	/** A frame has arrived. Binary ones are read as UTF-8 (1.2). */
	arrived(frame: Buffer): void {
		// Data after the server's close frame is ignored.
		if (this.hasClosed) return;
		if (this.#receiver?.allowsFrameSize(frame.length)) this.received(frame.toString());
		if (!this.#firstFrame) return;
		if (this.#receiver?.isConnected) this.#firstFrame = undefined;
		else this.#firstFrame.complete();
	}

	/** The frame is within the limit. */
	protected received(frame: string): void {
		if (this.#inbox) this.#inbox.push([frame]);
		else this.#receiver?.receive(frame);
	}

	/** Handles the messages of one frame. Reading is paused until they are accepted. */
	protected receivedMany(messages: readonly string[]): void {
		this.ownInbox().push(messages);
		if (this.#inbox) this.webSocket.pause();
	}

	private ownInbox(): IncomingBuffer {
		this.#inbox ??= new IncomingBuffer(this.#receiver as Receiver, this.options.pacer, () => {
			this.#inbox = undefined;
			if (this.webSocket.isPaused) this.webSocket.resume();
		});
		return this.#inbox;
	}

	/** The socket has closed. */
	onClose(): void {
		this.#inbox?.close();
		this.#receiver?.onClose();
		this.options.admissions.leave(this.clientAddress);
	}

	send(frame: string): void {
		if (this.mayWrite()) this.webSocket.send(frame, TEXT_FRAME);
	}

	encodePart(text: string): Buffer {
		return Buffer.from(text);
	}

	/** The parts leave in one frame, as any other message. They are not copied, unless the frame is compressed. */
	sendParts(parts: readonly Buffer[]): void {
		if (!this.mayWrite()) return;
		const length = parts.reduce((sum, part) => sum + part.length, 0);
		if (this.compresses) this.webSocket.send(Buffer.concat(parts, length), TEXT_FRAME);
		else for (const bytes of [textFrameHeader(length), ...parts]) this.#socket.write(bytes);
		this.#sending = new LongMessage(length);
	}

	get isSendingParts(): boolean {
		return this.partsBuffered() > 0 && this.#sending?.isTakingLong === false;
	}

	/** Length of the long message that is not sent completely. */
	private partsBuffered(): number {
		if (this.#sending && !this.isFull) this.#sending = undefined;
		return this.#sending?.length ?? 0;
	}

	/**
	 * Bypasses the library, which would encode the frame for each client, unless frames are waiting there for
	 * compression.
	 */
	broadcast(message: Broadcast): void {
		if (this.compresses) this.send(message.text);
		else if (this.mayWrite()) this.#socket.write(this.bytesOf(message));
	}

	protected bytesOf({ webSocketFrame }: Broadcast): Buffer {
		return webSocketFrame;
	}

	close({ code, text }: CloseReason): void {
		this.hasClosed = true;
		this.webSocket.close(code, text);
		// The client's close frame is read after all data that it has sent.
		this.#inbox?.close();
	}

	terminate(): void {
		this.webSocket.terminate();
		this.#inbox?.close();
	}

	pause(): void {
		this.ownInbox().pause();
		this.webSocket.pause();
	}

	resume(): void {
		this.#inbox?.resume();
	}

	onIdle(time: number, onIdle: () => void): void {
		this.#socket.setTimeout(time).on('timeout', onIdle);
	}

	/** Whether much is buffered. */
	private get isFull(): boolean {
		// What waits for compression is not in the socket.
		if (this.compresses && this.webSocket.bufferedAmount > this.#socket.writableHighWaterMark) return true;
		return this.#socket.writableNeedDrain;
	}

	whenDrained(): Promise<void> | undefined {
		if (!this.isFull) return undefined;
		if (!this.#socket.writableNeedDrain) {
			// The library does not report when it has compressed its queue, so a ping is queued after it.
			return new Promise((resolve) => this.webSocket.ping(undefined, false, () => resolve()));
		}
		const socket = this.#socket;
		this.#room ??= new Promise((resolve) => {
			const done = () => {
				socket.off('drain', done).off('close', done);
				this.#room = undefined;
				resolve();
			};
			socket.on('drain', done).on('close', done);
		});
		return this.#room;
	}

	private get compresses(): boolean {
		return this.options.compression && this.webSocket.extensions !== '';
	}

	private mayWrite(): boolean {
		if (this.webSocket.readyState !== this.webSocket.OPEN) return false;
		if (this.webSocket.bufferedAmount > this.options.maxBuffered + this.partsBuffered()) {
			this.options.observer?.onOverflow();
			this.terminate();
			return false;
		}
		cork(this.#socket);
		return true;
	}
}
