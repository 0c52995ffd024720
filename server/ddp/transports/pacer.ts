/**
 * Shares the event loop between clients that send more than can be handled at once and all other clients.
 *
 * The input of a busy client is handled in slices. The slices of all busy clients wait in one queue: one runs per turn
 * of the event loop, followed by a rest period. So the total time for busy clients does not grow with their number, and
 * other clients are served with little delay.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** How long a slice may take, in ms. */
export const SLICE_MS = 1;

/** The rest period as a multiple of the time that the slices took. */
const REST = 2;

/** Minimum rest period, in ms: shorter ones are accumulated, because timers are not more precise. */
const MIN_REST_MS = 1;

/** Maximum rest period, in ms: a slice may have taken long because the machine was busy. */
const MAX_REST_MS = 10;

export class Pacer {
	#line: (() => void)[] = [];
	#isRunning = false;

	/** Calls `slice` in its turn; immediately if the queue is empty and no rest is due. */
	wait(slice: () => void): void {
		this.#line.push(slice);
		if (!this.#isRunning) void this.#run();
	}

	/** Resolves when it is the caller's turn. */
	turn(): Promise<void> {
		return new Promise((resolve) => this.wait(resolve));
	}

	async #run(): Promise<void> {
		this.#isRunning = true;
		let rest = 0;
		while (this.#line.length > 0) {
			const line = this.#line;
			this.#line = [];
			for (const slice of line) {
				const began = performance.now();
				slice();
				// Work started by a slice may continue in microtasks; it has ended by the next turn of the event loop.
				await nextTurn();
				rest += (performance.now() - began) * REST;
				if (rest < MIN_REST_MS) continue;
				await delay(Math.min(rest, MAX_REST_MS));
				rest = 0;
			}
		}
		this.#isRunning = false;
	}
}
