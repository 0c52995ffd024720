/** A long message that may still be buffered for a client. */

/** How long a client may take to read one, in ms. Until then it need not answer pings, which wait behind the message. */
const MAX_READING_MS = 120_000;

export class LongMessage {
	readonly #since = performance.now();

	/** @param length in bytes */
	constructor(readonly length: number) {}

	/** Whether the client has had enough time to read it. */
	get isTakingLong(): boolean {
		return performance.now() - this.#since > MAX_READING_MS;
	}
}
