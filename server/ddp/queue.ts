/** Starts and answers the requests of one client (`test/contract/ddp.md` section 5). */

import type { Method } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { type CallHost, runCall } from './call.js';
import * as codec from './codec.js';
import type { Subscriptions } from './publications/subscriptions.js';
import { type CloseReason, TOO_LARGE } from './transports/close-reason.js';

/** The owner of a `MessageQueue`. */
export interface QueueHost<T> {
	/** @param release must be called once, immediately or later, when the next message may start */
	handle(message: T, release: () => void): void;
	/** Called when the queue is empty and the last message has called `release`. */
	onIdle(): void;
}

/** Minimum number of started messages that are removed from the array together. Each removal copies the array. */
const MIN_REMOVED = 64;

/** Starts one message at a time, in order. */
export class MessageQueue<T> {
	#waiting: T[] | undefined;
	/** Number of started messages at the front of the array. */
	#startedCount = 0;
	/** Whether the next message must wait for the one that is being handled. */
	#busy = false;
	/** Whether the loop over the waiting messages is running, or has yielded. */
	#looping = false;
	/** Yields between messages: a long series of synchronous calls would block other clients. */
	#yielder: (() => Promise<void> | undefined) | undefined;

	constructor(private readonly host: QueueHost<T>) {}

	/** Number of waiting messages. */
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
		// A running loop goes on by itself. A second one, started from here, would deepen the stack with each message.
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
	 * @param release lets the next request in the queue start before this one is answered
	 * @returns resolves when the request is answered, and never rejects; undefined if it already is
	 */
	answer(request: T, release: () => void): Promise<void> | undefined;
	pause(): void;
	resume(): void;
	/** Called when a request was answered, the queue has become empty, or reading was paused or resumed. */
	onChange(): void;
}

const doNothing = () => {};

/** The requests of one client. Pauses reading while too many are unanswered. */
export class Requests<T> {
	/**
	 * Requests that start one after another. Undefined while none of them waits, and the last one that started has let the
	 * next one start.
	 */
	#queue: MessageQueue<T> | undefined;
	/** Number of started, unanswered requests. */
	#running = 0;
	#isPaused = false;
	#wasPaused = false;

	/** @param max above this number of unanswered requests, reading is paused */
	constructor(
		private readonly host: RequestsHost<T>,
		private readonly max: number,
	) {}

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

	get isIdle(): boolean {
		return this.#running === 0 && !this.#queue;
	}

	/** @param isParallel whether the request neither waits for others nor delays them */
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

	onIdle(): void {
		this.#queue = undefined;
		this.host.onChange();
	}

	private onAnswered(release: () => void): void {
		release();
		this.#running--;
		this.updatePause();
		this.host.onChange();
	}

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
 * A string is the error frame that answers a malformed request. A `LargeFrame` arrived during a login. Its size is
 * checked when its turn comes, because the limit depends on the user.
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
	sendError(frame: string): void;
}

/** The method that a request calls, if it exists. */
function methodOf(request: QueuedRequest, { services }: RequestSession): Method | undefined {
	const isCall = typeof request === 'object' && request.msg === 'method';
	return isCall ? services.invoker.get(request.method) : undefined;
}

/** Adds one to `login.pendingChanges` if the method changes the user. `runCall` subtracts it. */
function noteUserChange(method: Method | undefined, { login }: RequestSession): void {
	if (method?.changesUser) login.pendingChanges++;
}

/** Adds a request to a session. */
export function enqueue(request: QueuedRequest, session: RequestSession): void {
	const method = methodOf(request, session);
	noteUserChange(method, session);
	session.requests ??= new Requests(session, session.options.maxQueue);
	// During a login, even calls that may run in parallel wait, because their user is not yet known.
	const runsInParallel = method?.parallel === true && session.login.pendingChanges === 0;
	session.requests.add(request, runsInParallel);
}

/** Answers a request whose turn has come. */
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

/** Answers a large frame that arrived during a login, which has ended by now. */
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
	noteUserChange(methodOf(request, session), session);
	return answer(request, session, release);
}
