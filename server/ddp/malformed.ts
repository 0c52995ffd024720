/**
 * Counts the malformed messages of a client. Their number is limited, because an answer costs the server more than the
 * message costs the client.
 */

const MAX_MALFORMED = 100;
const WINDOW_MS = 60_000;

export class MalformedCounter {
	#count = 0;
	#windowStart = performance.now();

	get isOverLimit(): boolean {
		return this.#count > MAX_MALFORMED;
	}

	count(): void {
		const now = performance.now();
		if (now - this.#windowStart >= WINDOW_MS) {
			this.#windowStart = now;
			this.#count = 0;
		}
		this.#count++;
	}
}
