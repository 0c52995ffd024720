/**
 * Counts the malformed messages of a client. Their number is limited, because an answer costs the server more than the
 * message costs the client.
 */

/** Maximum number of malformed messages within `WINDOW_MS`. */
const MAX_MALFORMED = 100;
const WINDOW_MS = 60_000;

export class MalformedCounter {
	#count = 0;
	#windowStart = performance.now();

	/** Whether too many malformed messages were counted in the current window. */
	get isOverLimit(): boolean {
		return this.#count > MAX_MALFORMED;
	}

	/** Counts a malformed message. */
	count(): void {
		const now = performance.now();
		if (now - this.#windowStart >= WINDOW_MS) {
			this.#windowStart = now;
			this.#count = 0;
		}
		this.#count++;
	}
}
