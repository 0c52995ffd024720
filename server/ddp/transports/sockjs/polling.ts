/**
 * SockJS long polling (`test/contract/ddp.md` 1.5). Messages wait for the client's next poll, and a poll is held while
 * there is no message.
 */
import type { IncomingMessage } from 'node:http';
import type { Broadcast } from '../broadcast.js';
import { type CloseReason, NORMAL_CLOSURE, TOO_LARGE } from '../close-reason.js';
import { visibleHeaders } from '../headers.js';
import { IncomingBuffer } from '../incoming-buffer.js';
import { LongMessage } from '../long-message.js';
import { closeFrame, encodedMessagesFrame, encodeMessagePart, HEARTBEAT_FRAME } from '../sockjs-frames.js';
import type { OpenSession, Receiver, Transport, TransportOptions } from '../transport.js';

export interface PollingOptions extends TransportOptions {
	/** Maximum time for which a poll is held, in ms. Then the answer is `HEARTBEAT_FRAME`. */
	readonly maxPollHold: number;
	/** How long a client may be without a poll, in ms; then it counts as disconnected. */
	readonly pollTimeout: number;
}

/** Number of buffered bytes above which `whenDrained` waits. */
const HIGH_WATER_MARK = 65_536;

const QUOTE = Buffer.from('"');

/** The answer to a second poll while one is held. */
const ANOTHER_POLL: CloseReason = { code: 2010, text: 'Another connection still open' };

interface Latch {
	readonly promise: Promise<void>;
	open(): void;
}

function createLatch(): Latch {
	let open = () => {};
	const promise = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { promise, open };
}

/** The owner of the transport. */
export interface PollingHost {
	onCloseFrameSent(): void;
	onDisconnect(): void;
}

/** Answers a poll with one frame. */
export type AnswerPoll = (frame: string) => void;

export class PollingTransport implements Transport {
	readonly kind = 'sockjs-polling';
	readonly clientAddress: string | null;
	readonly headers: Transport['headers'];
	readonly #receiver: Receiver;
	readonly #incoming: IncomingBuffer;
	/** Messages for the next poll, each encoded as a JSON string. */
	#waiting: string[] = [];
	/** The encoded size of the waiting messages, in bytes. */
	#waitingBytes = 0;
	/** The last long message, while it waits for a poll. */
	#longMessage: LongMessage | undefined;
	#hasDisconnected = false;
	/** Set while callers of `whenDrained` wait. */
	#drained: Latch | undefined;
	/** Set until the session has accepted all messages of the last request. */
	#accepted: Latch | undefined;
	/** Answers the held poll, if there is one. */
	#poll: AnswerPoll | undefined;
	#closeReason: CloseReason | undefined;
	/** Limits the hold of a poll, or the time until the next poll. */
	#timer: NodeJS.Timeout;

	constructor(
		request: IncomingMessage,
		openSession: OpenSession,
		private readonly options: PollingOptions,
		private readonly host: PollingHost,
	) {
		this.clientAddress = options.addressOf(request);
		this.headers = visibleHeaders(request.headers);
		this.#timer = this.#startPollTimeout();
		this.#receiver = openSession(this);
		this.#incoming = new IncomingBuffer(this.#receiver, options.pacer, () => {
			this.#accepted?.open();
			this.#accepted = undefined;
		});
	}

	send(message: string): void {
		if (this.#closeReason) return;
		const encoded = JSON.stringify(message);
		this.#push(encoded, Buffer.byteLength(encoded));
	}

	encodePart(text: string): Buffer {
		return Buffer.from(encodeMessagePart(text));
	}

	sendParts(parts: readonly Buffer[]): void {
		if (this.#closeReason) return;
		const bytes = Buffer.concat([QUOTE, ...parts, QUOTE]);
		this.#longMessage = new LongMessage(bytes.length);
		this.#push(bytes.toString(), bytes.length);
	}

	/**
	 * Always false, because the transport does not know when the client has read an answer. So DDP's heartbeat may
	 * disconnect a client that reads a long message slowly.
	 */
	readonly isSendingParts = false;

	/** Buffers a message for the next poll. @param encoded the message as a JSON string */
	#push(encoded: string, bytes: number): void {
		this.#waitingBytes += bytes;
		this.#waiting.push(encoded);
		// Deferred, so that all messages of one turn of the event loop are sent in one answer.
		if (this.#waiting.length === 1) setImmediate(() => this.#flush());
		if (this.#waitingBytes <= this.options.maxBuffered + (this.#longMessage?.length ?? 0)) return;
		this.options.observer?.onOverflow();
		this.#takeWaiting();
		this.close(NORMAL_CLOSURE);
	}

	broadcast({ text }: Broadcast): void {
		this.send(text);
	}

	get bufferedBytes(): number {
		return this.#waitingBytes;
	}

	get hasPendingInput(): boolean {
		return !this.#incoming.isEmpty;
	}

	pause(): void {
		this.#incoming.pause();
	}

	resume(): void {
		this.#incoming.resume();
	}

	/** Does nothing, because `pollTimeout` detects a disconnected client. */
	onIdle(): void {}

	whenDrained(): Promise<void> | undefined {
		if (this.#waitingBytes <= HIGH_WATER_MARK) return undefined;
		this.#drained ??= createLatch();
		return this.#drained.promise;
	}

	close(reason: CloseReason): void {
		if (this.#closeReason) return;
		// After a too large request body, the client receives the reason as status 413, and not in the close frame.
		this.#closeReason = reason === TOO_LARGE ? NORMAL_CLOSURE : reason;
		this.#incoming.close();
		setImmediate(() => this.#flush());
		this.#receiver.onClose();
	}

	/**
	 * Does the same as `close`, because a polling client has a socket only during a request. Buffered messages stay for
	 * the next poll.
	 */
	terminate(): void {
		this.close(NORMAL_CLOSURE);
	}

	poll(answer: AnswerPoll): void {
		if (this.#poll) {
			answer(closeFrame(ANOTHER_POLL));
			return;
		}
		this.#poll = answer;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#answer(HEARTBEAT_FRAME), this.options.maxPollHold).unref();
		this.#flush();
	}

	/** Ends the session if a request body is too large. @returns whether the body may be handled */
	enforceBodySize(bytes: number): boolean {
		return this.#receiver.enforceFrameSize(bytes);
	}

	/**
	 * Passes messages from the client to the session.
	 * @returns resolves when the session has accepted them, or has ended; null if they are refused, because it has not
	 *   accepted the previous ones
	 */
	receive(messages: readonly string[]): Promise<void> | null {
		if (this.#accepted) return null;
		if (this.#closeReason) return Promise.resolve();
		const accepted = createLatch();
		this.#accepted = accepted;
		this.#incoming.push(messages);
		return accepted.promise;
	}

	/** The client did not poll in time, or aborted a poll. */
	onDisconnect(): void {
		if (this.#hasDisconnected) return;
		this.#hasDisconnected = true;
		clearTimeout(this.#timer);
		this.#poll = undefined;
		this.#takeWaiting();
		this.close(NORMAL_CLOSURE);
		this.host.onDisconnect();
	}

	/** Answers the held poll if there is anything to send. */
	#flush(): void {
		if (!this.#poll) return;
		if (this.#waiting.length > 0) this.#answer(encodedMessagesFrame(this.#takeWaiting()));
		else if (this.#closeReason) {
			this.#answer(closeFrame(this.#closeReason));
			this.host.onCloseFrameSent();
		}
	}

	#answer(frame: string): void {
		const answer = this.#poll;
		this.#poll = undefined;
		clearTimeout(this.#timer);
		this.#timer = this.#startPollTimeout();
		answer?.(frame);
	}

	#takeWaiting(): string[] {
		const messages = this.#waiting;
		this.#waiting = [];
		this.#waitingBytes = 0;
		this.#longMessage = undefined;
		this.#drained?.open();
		this.#drained = undefined;
		return messages;
	}

	#startPollTimeout(): NodeJS.Timeout {
		return setTimeout(() => this.onDisconnect(), this.options.pollTimeout).unref();
	}
}
