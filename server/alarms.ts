/** Points in time, however far away, at which something is to be done. */

/** Longest delay Node's timers know, in ms: 24.8 days. Beyond it they fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** What an alarm wakes. */
export interface Sleeper {
	wake(): void;
}

/** An alarm that was set. */
export interface Alarm {
	readonly time: number;
	readonly sleeper: Sleeper;
	/** Its place in the heap; -1 once it went off or was called off. */
	place: number;
}

/**
 * The alarms of a server, one for each client that is logged in. One timer waits for the first of them: they are a binary
 * heap, in which none is before the one at half its place. Does not keep the process alive.
 */
export class Alarms {
	readonly #heap: Alarm[] = [];
	#timer: NodeJS.Timeout | undefined;

	/** Wakes once a time has come; soon, if it has already, or never could: none is before or after what is no time. */
	set(time: Date, sleeper: Sleeper): Alarm {
		const alarm: Alarm = { time: time.getTime() || 0, sleeper, place: this.#heap.length };
		this.#heap.push(alarm);
		this.#rise(alarm);
		if (alarm.place === 0) this.#wait();
		return alarm;
	}

	/** Calls an alarm off, unless it went off. */
	cancel(alarm: Alarm): void {
		const { place } = alarm;
		if (place === -1) return;
		this.#remove(alarm);
		if (place === 0) this.#wait();
	}

	#remove(alarm: Alarm): void {
		const { place } = alarm;
		alarm.place = -1;
		const last = this.#heap.pop() as Alarm;
		if (last !== alarm) {
			this.#put(last, place);
			this.#rise(last);
			this.#sink(last);
		}
	}

	/** Waits for the first alarm, whichever that is now. */
	#wait(): void {
		clearTimeout(this.#timer);
		const [first] = this.#heap;
		if (!first) return;
		const delay = Math.min(Math.max(first.time - Date.now(), 0), LONGEST_DELAY);
		this.#timer = setTimeout(() => this.#goOff(), delay).unref();
	}

	#goOff(): void {
		const now = Date.now();
		const due: Sleeper[] = [];
		for (let [first] = this.#heap; first && first.time <= now; [first] = this.#heap) {
			due.push(first.sleeper);
			this.#remove(first);
		}
		this.#wait();
		for (const sleeper of due) sleeper.wake();
	}

	#rise(alarm: Alarm): void {
		for (;;) {
			const parent = this.#heap[(alarm.place - 1) >> 1];
			if (!parent || parent.time <= alarm.time) return;
			this.#swap(parent, alarm);
		}
	}

	#sink(alarm: Alarm): void {
		for (;;) {
			const left = this.#heap[2 * alarm.place + 1];
			const right = this.#heap[2 * alarm.place + 2];
			const child = left && right && right.time < left.time ? right : left;
			if (!child || alarm.time <= child.time) return;
			this.#swap(alarm, child);
		}
	}

	#swap(one: Alarm, other: Alarm): void {
		const { place } = one;
		this.#put(one, other.place);
		this.#put(other, place);
	}

	#put(alarm: Alarm, place: number): void {
		alarm.place = place;
		this.#heap[place] = alarm;
	}
}
