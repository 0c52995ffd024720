/** Counts the malformed messages of a client: answering them costs more than sending them. */

/** Maximum number of malformed messages within `PERIOD`. */
const MAX_MALFORMED = 100;
const WINDOW_MS = 60_000;

export class MalformedCounter {
	#count = 0;
	#since = performance.now();

	/** Counts one more. @returns whether there are too many */
	isTooMany(): boolean {
		const now = performance.now();
		if (now - this.#since >= WINDOW_MS) {
			this.#since = now;
			this.#count = 0;
		}
		return ++this.#count > MAX_MALFORMED;
	}
}
