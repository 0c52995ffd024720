/**
 * Shares the event loop between clients that send more than can be handled at once and all other clients.
 *
 * What a busy client sent is handled in slices. The slices of all busy clients together wait in one line: one runs per turn
 * of the event loop, and after it the line rests. So the time that busy clients take does not grow with their number, and a
 * client that sends one message now and then nearly always finds the event loop free.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** How long a slice may take, in ms. */
export const SLICE_MS = 1;

/** The line rests for so many times as long as its slices took. */
const REST = 2;

/** A rest that would be shorter waits until others have added to it, in ms: timers cannot measure less. */
const MIN_REST_MS = 1;

/** Longest rest, in ms: a slice may have taken long because the machine was busy. */
const MAX_REST_MS = 10;

export class Pacer {
	#line: (() => void)[] = [];
	#isRunning = false;

	/** Calls `slice` when it is its turn; at once if no other waits and no rest is due. */
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
				// What a slice began goes on in microtasks; all of that has ended by the next turn.
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
