/**
 * SockJS long polling as a session's transport (`test/contract/ddp.md` 1.5). Messages are buffered until the client's
 * next poll, and a poll is held while there is no message.
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
	/** Maximum time for which a poll is held, in ms; then it is answered by a heartbeat. */
	readonly pollHold: number;
	/** How long a client may be without a poll, in ms; then it counts as disconnected. Default 60,000. */
	readonly pollTimeout: number;
}

/** Number of buffered bytes above which large answers pause until the next poll. */
const MAX_WAITING_BYTES = 65_536;

const QUOTE = Buffer.from('"');

/** Answers a second poll while one is held. */
const ANOTHER_POLL: CloseReason = { code: 2010, text: 'Another connection still open' };

/** Something to wait for. */
interface Latch {
	readonly promise: Promise<void>;
	open(): void;
}

function latch(): Latch {
	let open = () => {};
	const promise = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { promise, open };
}

/** Is notified of the end. */
export interface PollingHost {
	/** The client has received the close frame. */
	notified(): void;
	/** The client has disconnected. */
	gone(): void;
}

/** Answers a poll with one frame. */
export type AnswerPoll = (frame: string) => void;

export class PollingTransport implements Transport {
	readonly kind = 'sockjs-polling';
	readonly clientAddress: string | null;
	readonly headers: Transport['headers'];
	readonly #receiver: Receiver;
	readonly #inbox: IncomingBuffer;
	/** Messages for the next poll, as JSON strings, and their size in bytes. */
	#waiting: string[] = [];
	#waitingBytes = 0;
	/** Set while a long message waits. */
	#sending: LongMessage | undefined;
	#gone = false;
	/** Pending promises until a poll takes the buffered messages. */
	#room: Latch | undefined;
	/** Set while the session has not accepted all received messages. */
	#taken: Latch | undefined;
	/** The poll that is held. */
	#poll: AnswerPoll | undefined;
	/** Why it is closed, once it is. */
	#closed: CloseReason | undefined;
	/** Timer for the heartbeat of the held poll or, without a poll, for the timeout of the client. */
	#timer: NodeJS.Timeout;

	/** @param request the first of the client */
	constructor(
		request: IncomingMessage,
		openSession: OpenSession,
		private readonly options: PollingOptions,
		private readonly host: PollingHost,
	) {
		this.clientAddress = options.addressOf(request);
		this.headers = visibleHeaders(request.headers);
		this.#timer = this.#awaitPoll();
		this.#receiver = openSession(this);
		this.#inbox = new IncomingBuffer(this.#receiver, options.pacer, () => {
			this.#taken?.open();
			this.#taken = undefined;
		});
	}

	send(message: string): void {
		if (!this.#closed) this.#push(JSON.stringify(message), Buffer.byteLength(message));
	}

	encodePart(text: string): Buffer {
		return Buffer.from(encodeMessagePart(text));
	}

	sendParts(parts: readonly Buffer[]): void {
		if (this.#closed) return;
		const bytes = Buffer.concat([QUOTE, ...parts, QUOTE]);
		this.#sending = new LongMessage(bytes.length);
		this.#push(bytes.toString(), bytes.length);
	}

	/** A client that does not poll is noticed without pings. */
	readonly isSendingParts = false;

	#push(encoded: string, bytes: number): void {
		this.#waitingBytes += bytes;
		// Deferred, so that all messages of one turn of the event loop are sent in one answer.
		if (this.#waiting.push(encoded) === 1) setImmediate(() => this.#flush());
		if (this.#waitingBytes <= this.options.maxBuffered + (this.#sending?.length ?? 0)) return;
		this.options.observer?.onOverflow();
		this.#drop();
		this.close(NORMAL_CLOSURE);
	}

	broadcast({ text }: Broadcast): void {
		this.send(text);
	}

	get bufferedBytes(): number {
		return this.#waitingBytes;
	}

	get isBehind(): boolean {
		return !this.#inbox.isEmpty;
	}

	pause(): void {
		this.#inbox.pause();
	}

	resume(): void {
		this.#inbox.resume();
	}

	/** A disconnected client is detected by the missing poll. */
	onIdle(): void {}

	whenDrained(): Promise<void> | undefined {
		if (this.#waitingBytes <= MAX_WAITING_BYTES) return undefined;
		this.#room ??= latch();
		return this.#room.promise;
	}

	close(reason: CloseReason): void {
		if (this.#closed) return;
		// The status of its answer has told a client that its body is too large.
		this.#closed = reason === TOO_LARGE ? NORMAL_CLOSURE : reason;
		this.#inbox.close();
		setImmediate(() => this.#flush());
		this.#receiver.onClose();
	}

	/** There is no socket to terminate. */
	terminate(): void {
		this.close(NORMAL_CLOSURE);
	}

	/** The client polls for messages. */
	poll(answer: AnswerPoll): void {
		if (this.#poll) {
			answer(closeFrame(ANOTHER_POLL));
			return;
		}
		this.#poll = answer;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#answer(HEARTBEAT_FRAME), this.options.pollHold);
		this.#flush();
	}

	/** Whether a client may send this number of bytes in one request; if not, its session has been closed. */
	allowsBodySize(bytes: number): boolean {
		return this.#receiver.allowsFrameSize(bytes);
	}

	/**
	 * Handles messages from the client.
	 * @returns resolves when the session has accepted them: until then the client must not send more. Null if it does
	 */
	receive(messages: readonly string[]): Promise<void> | null {
		if (this.#taken) return null;
		if (this.#closed) return Promise.resolve();
		const taken = latch();
		this.#taken = taken;
		this.#inbox.push(messages);
		return taken.promise;
	}

	/** The client has disconnected: it did not poll in time, or aborted a poll. */
	gone(): void {
		if (this.#gone) return;
		this.#gone = true;
		clearTimeout(this.#timer);
		this.#poll = undefined;
		this.#drop();
		this.close(NORMAL_CLOSURE);
		this.host.gone();
	}

	/** Answers the held poll, if there is anything to send. */
	#flush(): void {
		if (!this.#poll) return;
		if (this.#waiting.length > 0) this.#answer(encodedMessagesFrame(this.#drop()));
		else if (this.#closed) {
			this.#answer(closeFrame(this.#closed));
			this.host.notified();
		}
	}

	#answer(frame: string): void {
		const answer = this.#poll;
		this.#poll = undefined;
		clearTimeout(this.#timer);
		this.#timer = this.#awaitPoll();
		answer?.(frame);
	}

	/** Takes away what waits. */
	#drop(): string[] {
		const messages = this.#waiting;
		this.#waiting = [];
		this.#waitingBytes = 0;
		this.#sending = undefined;
		this.#room?.open();
		this.#room = undefined;
		return messages;
	}

	#awaitPoll(): NodeJS.Timeout {
		// The timer need not keep the process alive.
		return setTimeout(() => this.gone(), this.options.pollTimeout).unref();
	}
}
