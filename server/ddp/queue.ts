/**
 * The unanswered requests of one client (`test/contract/ddp.md` section 5). Decides in which order they start, and
 * pauses reading while there are too many.
 */
import { createYielder } from '../../shared/yielding.js';

/** The host of a queue. */
export interface QueueHost<T> {
	/** Handles a message. @param release must be called once, immediately or later, when the next one may start */
	handle(message: T, release: () => void): void;
	/** The queue is empty and idle, and may be discarded. */
	idle(): void;
}

/** Number of handled messages at the start of the array from which on they are removed, if they are half of it. */
const MIN_HANDLED = 64;

/** Starts one message at a time, in order. */
export class MessageQueue<T> {
	#waiting: T[] | undefined;
	/** Number of handled messages in the array. */
	#handledCount = 0;
	/** Whether a message is being handled that the next one must wait for. */
	#busy = false;
	/** Whether the loop over the waiting messages is running, or paused. */
	#looping = false;
	/**
	 * Yields to the event loop between messages, because a long series of synchronous calls would block other clients.
	 */
	#pause: (() => Promise<void> | undefined) | undefined;

	constructor(private readonly host: QueueHost<T>) {}

	/** Number of messages that wait. */
	get length(): number {
		return this.#waiting ? this.#waiting.length - this.#handledCount : 0;
	}

	add(message: T): void {
		if (!this.#busy && !this.#looping) {
			// Most clients never have two messages in progress.
			this.#handle(message);
			return;
		}
		this.#waiting ??= [];
		this.#waiting.push(message);
	}

	/** Discards the messages that wait. */
	clear(): void {
		this.#waiting = undefined;
		this.#handledCount = 0;
	}

	#handle(message: T): void {
		this.#busy = true;
		this.host.handle(message, () => this.#release());
	}

	#release(): void {
		this.#busy = false;
		// A message that is handled synchronously returns to this loop, so the stack does not grow.
		if (!this.#looping) this.#loop();
	}

	#loop(): void {
		this.#looping = true;
		while (!this.#busy && this.length > 0) {
			this.#pause ??= createYielder();
			const pause = this.#pause();
			if (pause) {
				void pause.then(() => this.#loop());
				return;
			}
			this.#handle(this.#next());
		}
		this.#looping = false;
		if (!this.#busy) this.host.idle();
	}

	#next(): T {
		const waiting = this.#waiting as T[];
		const next = waiting[this.#handledCount++] as T;
		if (this.#handledCount === waiting.length) {
			this.clear();
		} else if (this.#handledCount >= MIN_HANDLED && this.#handledCount * 2 >= waiting.length) {
			waiting.splice(0, this.#handledCount);
			this.#handledCount = 0;
		}
		return next;
	}
}

/** The handler of requests. */
export interface RequestsHost<T> {
	/**
	 * Answers a request.
	 * @param release lets the next request in the queue start before this one is answered
	 * @returns resolves when it is answered, and never rejects; undefined if it is already answered
	 */
	answer(request: T, release: () => void): Promise<void> | undefined;
	/** Pauses reading from the client. */
	pause(): void;
	/** Resumes reading from the client. */
	resume(): void;
	/** The number of unanswered requests, or whether more are read, has changed. */
	onChange(): void;
}

const doNothing = () => {};

export class Requests<T> {
	/** Requests that start one after another. Set while a request waits or blocks the next one. */
	#queue: MessageQueue<T> | undefined;
	/** Number of running requests, in the queue or in parallel. */
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

	/** @param isParallel whether it neither waits for earlier requests nor delays later ones */
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

	/** The queue calls it for each request in turn. */
	handle(request: T, release: () => void): void {
		let isReleased = false;
		function releaseOnce(): void {
			if (isReleased) return;
			isReleased = true;
			release();
		}
		// Counted before it runs, because it may release further requests before it returns.
		this.#running++;
		const answered = this.host.answer(request, releaseOnce);
		if (answered) void answered.then(() => this.onAnswered(releaseOnce));
		else this.onAnswered(releaseOnce);
	}

	/** The queue is empty. */
	idle(): void {
		this.#queue = undefined;
		this.host.onChange();
	}

	/** A request is answered. */
	private onAnswered(release: () => void): void {
		release();
		this.#running--;
		this.updatePause();
		this.host.onChange();
	}

	/** Pauses or resumes reading, by the number of unanswered requests. */
	private updatePause(): void {
		const isTooMany = this.unanswered > this.max;
		if (isTooMany === this.#isPaused) return;
		this.#isPaused = isTooMany;
		if (isTooMany) {
			this.#wasPaused = true;
			this.host.pause();
		} else {
			this.host.resume();
		}
		this.host.onChange();
	}
}
