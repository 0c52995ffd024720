/**
 * Shares the time of the event loop between busy clients and all others. A client is busy if its input takes more than
 * one slice of time.
 *
 * The input of busy clients is handled in slices, which wait in one queue. One slice runs per turn of the event loop,
 * followed by a rest period. So the time for all busy clients does not grow with their number.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** How long a slice may take, in ms. */
export const SLICE_MS = 1;

/** Length of a rest period, as a multiple of the time of the slices before it. */
const REST_FACTOR = 2;

/** Minimum rest period, in ms, because timers are not more precise. Shorter periods are added up. */
const MIN_REST_MS = 1;

/** Maximum rest period, in ms, for slices that took long only because the machine was busy. */
const MAX_REST_MS = 10;

export class Pacer {
	#queue: (() => void)[] = [];
	#isRunning = false;

	/** Calls a slice in its turn, or at once if no other slice runs or waits, and no rest period is in progress. */
	schedule(slice: () => void): void {
		this.#queue.push(slice);
		if (!this.#isRunning) void this.#run();
	}

	/** Resolves when the caller may run as a slice. */
	waitForTurn(): Promise<void> {
		return new Promise((resolve) => this.schedule(resolve));
	}

	async #run(): Promise<void> {
		this.#isRunning = true;
		let rest = 0;
		while (this.#queue.length > 0) {
			const slices = this.#queue;
			this.#queue = [];
			for (const slice of slices) {
				const began = performance.now();
				slice();
				// The microtasks of a slice count towards its time.
				await nextTurn();
				rest += (performance.now() - began) * REST_FACTOR;
				if (rest < MIN_REST_MS) continue;
				await delay(Math.min(rest, MAX_REST_MS));
				rest = 0;
			}
		}
		this.#isRunning = false;
	}
}
