/** Points in time, however far away, at which something is to be done. */

/** Longest delay Node's timers know, in ms: 24.8 days. Beyond it they fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** What an alarm wakes. It has one at a time. */
export interface Sleeper {
	/** The place of its alarm among all; -1 while none is set, as at first. Not to be changed by others. */
	place: number;
	wake(): void;
}

/**
 * The alarms of a server, one for each client that is logged in. One timer waits for the first of them: they are a binary
 * heap, in which none is before the one at half its place. Does not keep the process alive.
 */
export class Alarms {
	readonly #sleepers: Sleeper[] = [];
	/** The time of each, at the same place. Numbers in an array of their own need no object each. */
	readonly #times: number[] = [];
	#timer: NodeJS.Timeout | undefined;

	/**
	 * Wakes once a time has come; soon, if it has already, or never could: none is before or after what is no time. An alarm
	 * the sleeper had is called off.
	 */
	set(time: Date, sleeper: Sleeper): void {
		this.cancel(sleeper);
		this.#put(time.getTime() || 0, sleeper, this.#sleepers.length);
		this.#rise(sleeper);
		if (sleeper.place === 0) this.#wait();
	}

	/** Calls an alarm off, if there is one. */
	cancel(sleeper: Sleeper): void {
		const { place } = sleeper;
		if (place === -1) return;
		this.#remove(sleeper);
		if (place === 0) this.#wait();
	}

	#remove(sleeper: Sleeper): void {
		const { place } = sleeper;
		sleeper.place = -1;
		const last = this.#sleepers.pop() as Sleeper;
		const time = this.#times.pop() as number;
		if (last !== sleeper) {
			this.#put(time, last, place);
			this.#rise(last);
			this.#sink(last);
		}
	}

	/** Waits for the first alarm, whichever that is now. */
	#wait(): void {
		clearTimeout(this.#timer);
		const [first] = this.#times;
		if (first === undefined) return;
		const delay = Math.min(Math.max(first - Date.now(), 0), LONGEST_DELAY);
		this.#timer = setTimeout(() => this.#goOff(), delay).unref();
	}

	#goOff(): void {
		const now = Date.now();
		const due: Sleeper[] = [];
		for (let [first] = this.#sleepers; first && this.#timeAt(0) <= now; [first] = this.#sleepers) {
			due.push(first);
			this.#remove(first);
		}
		this.#wait();
		for (const sleeper of due) sleeper.wake();
	}

	#rise(sleeper: Sleeper): void {
		for (;;) {
			const { place } = sleeper;
			const parent = (place - 1) >> 1;
			if (place === 0 || this.#timeAt(parent) <= this.#timeAt(place)) return;
			this.#swap(parent, place);
		}
	}

	#sink(sleeper: Sleeper): void {
		for (;;) {
			const { place } = sleeper;
			const left = 2 * place + 1;
			const child = this.#timeAt(left + 1) < this.#timeAt(left) ? left + 1 : left;
			if (this.#timeAt(place) <= this.#timeAt(child)) return;
			this.#swap(place, child);
		}
	}

	/** Never, where there is none. */
	#timeAt(place: number): number {
		return place < this.#times.length ? (this.#times[place] as number) : Number.POSITIVE_INFINITY;
	}

	#swap(one: number, other: number): void {
		const time = this.#timeAt(one);
		const sleeper = this.#sleepers[one] as Sleeper;
		this.#put(this.#timeAt(other), this.#sleepers[other] as Sleeper, one);
		this.#put(time, sleeper, other);
	}

	#put(time: number, sleeper: Sleeper, place: number): void {
		this.#times[place] = time;
		this.#sleepers[place] = sleeper;
		sleeper.place = place;
	}
}
