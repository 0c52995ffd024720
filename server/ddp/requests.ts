/** The unanswered requests of one client: which of them run, which wait, and whether more are read. */
import { MessageQueue } from './queue.js';

/** What answers the requests. */
export interface RequestsHost<T> {
	/**
	 * Answers a request.
	 * @param release lets the next request in the queue start before this one is answered
	 * @returns resolves, and never rejects, when it is answered; undefined if it is
	 */
	answer(request: T, release: () => void): Promise<void> | undefined;
	/** Stops reading, or goes on. */
	pause(): void;
	resume(): void;
	/** The number of unanswered requests, or whether more are read, has changed. */
	onChange(): void;
}

const nothing = () => {};

export class Requests<T> {
	/** Exists while a request waits or runs in it. */
	#queue: MessageQueue<T> | undefined;
	/** Requests that run, be they in the queue or beside it. */
	#running = 0;
	#isPaused = false;
	#wasPaused = false;

	/** @param max most unanswered requests; with more, no more are read */
	constructor(
		private readonly host: RequestsHost<T>,
		private readonly max: number,
	) {}

	/** Whether no more are read, as too many are unanswered. */
	get isPaused(): boolean {
		return this.#isPaused;
	}

	/** Whether it was ever so. */
	get wasPaused(): boolean {
		return this.#wasPaused;
	}

	/** Whether all are answered. */
	get isIdle(): boolean {
		return this.#running === 0 && !this.#queue;
	}

	/** @param isParallel whether it need not wait for those before it, nor those behind it for this one */
	add(request: T, isParallel: boolean): void {
		if (isParallel) this.handle(request, nothing);
		else {
			this.#queue ??= new MessageQueue(this);
			this.#queue.add(request);
		}
		this.update();
	}

	/** Forgets those that wait. */
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
		// Counted before it runs: it may release the next one, and that the one after it, before it comes back.
		this.#running++;
		const answered = this.host.answer(request, releaseOnce);
		if (answered) void answered.then(() => this.ended(releaseOnce));
		else this.ended(releaseOnce);
	}

	/** The queue is empty. */
	idle(): void {
		this.#queue = undefined;
		this.host.onChange();
	}

	private ended(release: () => void): void {
		release();
		this.#running--;
		this.update();
		this.host.onChange();
	}

	private update(): void {
		const isTooMany = this.#running + (this.#queue?.length ?? 0) > this.max;
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
