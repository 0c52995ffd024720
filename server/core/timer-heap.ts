/** Points in time, however far away, at which something is to be done. */

/** Longest delay Node's timers know, in ms: 24.8 days. Beyond it they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** What an alarm wakes. It has one at a time. */
export interface HeapTimer {
	/** The place of its alarm among all; -1 while none is set, as at first. Not to be changed by others. */
	heapIndex: number;
	onExpire(): void;
}

/**
 * The alarms of a server, one for each client that is logged in. One timer waits for the first of them: they are a binary
 * heap, in which none is before the one at half its place. Does not keep the process alive.
 */
export class TimerHeap {
	readonly #sleepers: HeapTimer[] = [];
	/** The time of each, at the same place. Numbers in an array of their own need no object each. */
	readonly #times: number[] = [];
	#timer: NodeJS.Timeout | undefined;

	/**
	 * Wakes once a time has come; soon, if it has already, or never could: what is no time has no place among others. An
	 * alarm the sleeper had is called off.
	 */
	set(time: Date, sleeper: HeapTimer): void {
		this.cancel(sleeper);
		this.#put(time.getTime() || 0, sleeper, this.#sleepers.length);
		this.#rise(sleeper);
		if (sleeper.heapIndex === 0) this.#wait();
	}

	/** Calls an alarm off, if there is one. */
	cancel(sleeper: HeapTimer): void {
		const { heapIndex } = sleeper;
		if (heapIndex === -1) return;
		this.#remove(sleeper);
		if (heapIndex === 0) this.#wait();
	}

	#remove(sleeper: HeapTimer): void {
		const { heapIndex } = sleeper;
		sleeper.heapIndex = -1;
		const last = this.#sleepers.pop() as HeapTimer;
		const time = this.#times.pop() as number;
		if (last !== sleeper) {
			this.#put(time, last, heapIndex);
			this.#rise(last);
			this.#sink(last);
		}
	}

	/** Waits for the first alarm, whichever that is now. */
	#wait(): void {
		clearTimeout(this.#timer);
		const [first] = this.#times;
		if (first === undefined) return;
		const delay = Math.min(Math.max(first - Date.now(), 0), MAX_DELAY_MS);
		this.#timer = setTimeout(() => this.#goOff(), delay).unref();
	}

	#goOff(): void {
		const now = Date.now();
		const due: HeapTimer[] = [];
		for (let [first] = this.#sleepers; first && this.#timeAt(0) <= now; [first] = this.#sleepers) {
			due.push(first);
			this.#remove(first);
		}
		this.#wait();
		for (const sleeper of due) sleeper.onExpire();
	}

	#rise(sleeper: HeapTimer): void {
		for (;;) {
			const { heapIndex } = sleeper;
			const parent = (heapIndex - 1) >> 1;
			if (heapIndex === 0 || this.#timeAt(parent) <= this.#timeAt(heapIndex)) return;
			this.#swap(parent, heapIndex);
		}
	}

	#sink(sleeper: HeapTimer): void {
		for (;;) {
			const { heapIndex } = sleeper;
			const left = 2 * heapIndex + 1;
			const child = this.#timeAt(left + 1) < this.#timeAt(left) ? left + 1 : left;
			if (this.#timeAt(heapIndex) <= this.#timeAt(child)) return;
			this.#swap(heapIndex, child);
		}
	}

	/** Never, where there is none. */
	#timeAt(heapIndex: number): number {
		return heapIndex < this.#times.length ? (this.#times[heapIndex] as number) : Number.POSITIVE_INFINITY;
	}

	#swap(one: number, other: number): void {
		const time = this.#timeAt(one);
		const sleeper = this.#sleepers[one] as HeapTimer;
		this.#put(this.#timeAt(other), this.#sleepers[other] as HeapTimer, one);
		this.#put(time, sleeper, other);
	}

	#put(time: number, sleeper: HeapTimer, heapIndex: number): void {
		this.#times[heapIndex] = time;
		this.#sleepers[heapIndex] = sleeper;
		sleeper.heapIndex = heapIndex;
	}
}
