/**
 * The unanswered requests of one client (`test/contract/ddp.md` section 5): in which order they start, and how each is
 * answered. Reading is paused while there are too many.
 */

import type { Method } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { type CallHost, runCall } from './call.js';
import * as codec from './codec.js';
import type { Subscriptions } from './publications/subscriptions.js';
import { type CloseReason, TOO_LARGE } from './transports/close-reason.js';

/** The owner of a queue. */
export interface QueueHost<T> {
	/** Handles a message. @param release must be called once, immediately or later, when the next message may start */
	handle(message: T, release: () => void): void;
	/** Called when the queue is empty and the last message has called `release`. The queue may then be discarded. */
	onIdle(): void;
}

/**
 * Started messages are removed from the array together, when there are at least this many and they fill half of the array.
 * Removing each message immediately would copy the array each time.
 */
const MIN_REMOVED = 64;

/** Starts one message at a time, in order. */
export class MessageQueue<T> {
	#waiting: T[] | undefined;
	/** Number of messages at the front of the array that are started already. */
	#startedCount = 0;
	/** Whether the next message must wait for the one that is being handled. */
	#busy = false;
	/** Whether the loop over the waiting messages is running, or has yielded. */
	#looping = false;
	/**
	 * Yields to the event loop between messages, because a long series of synchronous calls would block other clients.
	 */
	#yielder: (() => Promise<void> | undefined) | undefined;

	constructor(private readonly host: QueueHost<T>) {}

	/** Number of messages that wait. */
	get length(): number {
		return this.#waiting ? this.#waiting.length - this.#startedCount : 0;
	}

	add(message: T): void {
		if (!this.#busy && !this.#looping) {
			// Without an array: most clients never have two messages in progress.
			this.#handle(message);
			return;
		}
		this.#waiting ??= [];
		this.#waiting.push(message);
	}

	/** Discards the messages that wait. */
	clear(): void {
		this.#waiting = undefined;
		this.#startedCount = 0;
	}

	#handle(message: T): void {
		this.#busy = true;
		this.host.handle(message, () => this.#release());
	}

	#release(): void {
		this.#busy = false;
		// A loop that is running goes on by itself. A second loop, started from this call, would deepen the stack with each
		// message.
		if (!this.#looping) this.#loop();
	}

	#loop(): void {
		this.#looping = true;
		while (!this.#busy && this.length > 0) {
			this.#yielder ??= createYielder();
			const yielded = this.#yielder();
			if (yielded) {
				void yielded.then(() => this.#loop());
				return;
			}
			this.#handle(this.#next());
		}
		this.#looping = false;
		if (!this.#busy) this.host.onIdle();
	}

	#next(): T {
		const waiting = this.#waiting as T[];
		const next = waiting[this.#startedCount++] as T;
		if (this.#startedCount === waiting.length) {
			this.clear();
		} else if (this.#startedCount >= MIN_REMOVED && this.#startedCount * 2 >= waiting.length) {
			waiting.splice(0, this.#startedCount);
			this.#startedCount = 0;
		}
		return next;
	}
}

/** The part of a session that answers its requests. */
export interface RequestsHost<T> {
	/**
	 * Answers a request.
	 * @param release lets the next request in the queue start before this one is answered
	 * @returns resolves when the request is answered, and never rejects; undefined if it is already answered
	 */
	answer(request: T, release: () => void): Promise<void> | undefined;
	/** Pauses reading from the client. */
	pause(): void;
	/** Resumes reading from the client. */
	resume(): void;
	/** Called when a request was answered, or reading was paused or resumed. */
	onChange(): void;
}

const doNothing = () => {};

/** The requests of one client. Pauses reading while too many are unanswered. */
export class Requests<T> {
	/** The requests that start one after another. Set while one of them waits or delays the next. */
	#queue: MessageQueue<T> | undefined;
	/** Number of requests that have started and are unanswered. */
	#running = 0;
	#isPaused = false;
	#wasPaused = false;

	/** @param max maximum number of unanswered requests; above it, reading is paused */
	constructor(
		private readonly host: RequestsHost<T>,
		private readonly max: number,
	) {}

	/** Whether reading is paused, because too many requests are unanswered. */
	get isPaused(): boolean {
		return this.#isPaused;
	}

	/** Whether reading was ever paused. */
	get wasPaused(): boolean {
		return this.#wasPaused;
	}

	/** Number of requests that run or wait. */
	get unanswered(): number {
		return this.#running + (this.#queue?.length ?? 0);
	}

	/** Whether all requests are answered. */
	get isIdle(): boolean {
		return this.#running === 0 && !this.#queue;
	}

	/** @param isParallel true: the request does not wait for earlier ones, and does not delay later ones */
	add(request: T, isParallel: boolean): void {
		if (isParallel) this.handle(request, doNothing);
		else {
			this.#queue ??= new MessageQueue(this);
			this.#queue.add(request);
		}
		this.updatePause();
	}

	/** Discards the requests that wait. */
	close(): void {
		this.#queue?.clear();
	}

	/** Starts a request. The queue calls this for each of its requests in turn. */
	handle(request: T, release: () => void): void {
		let isReleased = false;
		function releaseOnce(): void {
			if (isReleased) return;
			isReleased = true;
			release();
		}
		// Counted first, because `answer` may start further requests before it returns.
		this.#running++;
		const answered = this.host.answer(request, releaseOnce);
		if (answered) void answered.then(() => this.onAnswered(releaseOnce));
		else this.onAnswered(releaseOnce);
	}

	/** The queue is empty. */
	onIdle(): void {
		this.#queue = undefined;
		this.host.onChange();
	}

	/** Must be called when a request is answered. */
	private onAnswered(release: () => void): void {
		release();
		this.#running--;
		this.updatePause();
		this.host.onChange();
	}

	/** Pauses or resumes reading, by the number of unanswered requests. */
	private updatePause(): void {
		const mustPause = this.unanswered > this.max;
		if (mustPause === this.#isPaused) return;
		this.#isPaused = mustPause;
		if (mustPause) {
			this.#wasPaused = true;
			this.host.pause();
		} else {
			this.host.resume();
		}
		this.host.onChange();
	}
}

/**
 * A request of a session. A string is the error frame that answers a malformed request. A `LargeFrame` arrived during a
 * login, and is checked and parsed when its turn has come.
 */
export type QueuedRequest = codec.Request | codec.LargeFrame | string;

/** What `enqueue` and `answer` need of a session. */
export interface RequestSession extends CallHost, RequestsHost<QueuedRequest> {
	readonly options: { readonly maxQueue: number };
	readonly userId: string | null;
	requests: Requests<QueuedRequest> | undefined;
	/** Undefined until the client's `connect` is accepted. */
	readonly subscriptions: Subscriptions | undefined;
	/** Maximum size of a frame that the client may send now, in bytes. */
	readonly maxFrame: number;
	close(reason: CloseReason): void;
	/** Sends the error frame of a malformed message. */
	sendError(frame: string): void;
}

/** The called method; undefined for another request, and for an unknown method. Counts it if it changes the user. */
function countCall(request: QueuedRequest, { login, services }: RequestSession): Method | undefined {
	const isCall = typeof request === 'object' && request.msg === 'method';
	const method = isCall ? services.invoker.get(request.method) : undefined;
	// `runCall` counts it down.
	if (method?.changesUser) login.pendingChanges++;
	return method;
}

/** Adds a request to those of a session. */
export function enqueue(request: QueuedRequest, session: RequestSession): void {
	const method = countCall(request, session);
	session.requests ??= new Requests(session, session.options.maxQueue);
	// During a login, even a call that may run in parallel waits: its user is known only when the login has ended.
	// Clients send a login and calls without waiting between them.
	const runsInParallel = method?.parallel === true && session.login.pendingChanges === 0;
	session.requests.add(request, runsInParallel);
}

/** Answers a request whose turn has come: see `RequestsHost`. */
export function answer(
	request: QueuedRequest,
	session: RequestSession,
	release: () => void,
): Promise<void> | undefined {
	if (typeof request === 'string') session.sendError(request);
	else if (request.msg === 'large') return answerLarge(request, session, release);
	else if (request.msg === 'method') return runCall(request, session, release);
	else if (request.msg === 'sub') return session.subscriptions?.start(request, session, release);
	else return session.subscriptions?.stop(request.id);
	return undefined;
}

/** Answers a large frame that arrived during a login. The login has ended, because it was before the frame in the queue. */
function answerLarge(
	{ text }: codec.LargeFrame,
	session: RequestSession,
	release: () => void,
): Promise<void> | undefined {
	if (Buffer.byteLength(text) > session.maxFrame) {
		session.close(TOO_LARGE);
		return undefined;
	}
	const message = codec.parseFrame(text);
	const request = typeof message === 'string' ? message : codec.parseRequest(message, text);
	countCall(request, session);
	return answer(request, session, release);
}
