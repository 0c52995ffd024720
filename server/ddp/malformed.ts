/**
 * Counts the malformed messages of a client. Their number is limited, because to answer one costs more than to send it.
 */

/** Maximum number of malformed messages within `WINDOW_MS`. */
const MAX_MALFORMED = 100;
const WINDOW_MS = 60_000;

export class MalformedCounter {
	#count = 0;
	#since = performance.now();

	/** Whether there were too many malformed messages in this window. */
	get isOverLimit(): boolean {
		return this.#count > MAX_MALFORMED;
	}

	/** Counts a malformed message. */
	count(): void {
		const now = performance.now();
		if (now - this.#since >= WINDOW_MS) {
			this.#since = now;
			this.#count = 0;
		}
		this.#count++;
	}
}
