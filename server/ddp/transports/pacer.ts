/**
 * Shares the time of the event loop between busy clients and all others. A client is busy if its input takes more than
 * one slice of time.
 *
 * The input of a busy client is handled in slices. The slices of all busy clients wait in one queue: one runs per turn
 * of the event loop, followed by a rest period. So the total time for busy clients does not grow with their number, and
 * other clients are served with little delay.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** How long a slice may take, in ms. */
export const SLICE_MS = 1;

/** The length of a rest period, as a multiple of the time that the slices before it took. */
const REST_FACTOR = 2;

/** Minimum rest period, in ms, because timers are not more precise. Shorter periods are added up until they reach it, or no slice waits. */
const MIN_REST_MS = 1;

/** Maximum rest period, in ms. It limits the effect of a slice that took long only because the machine was busy. */
const MAX_REST_MS = 10;

export class Pacer {
	/** Slices that wait for their turn. */
	#queue: (() => void)[] = [];
	#isRunning = false;

	/**
	 * Queues a slice, which is called once, in its turn. It is called immediately if no other slice runs or waits, and no rest
	 * period is in progress.
	 */
	schedule(slice: () => void): void {
		this.#queue.push(slice);
		if (!this.#isRunning) void this.#run();
	}

	/** Resolves when it is the caller's turn. The caller then runs as a slice. */
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
				// Work started by a slice may continue in microtasks; it has ended by the next turn of the event loop.
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
