/** A long message of which a part may still be buffered for a client. */

/**
 * How long a client may take to read a long message, in ms. Meanwhile the client need not answer pings, which wait
 * behind the message.
 */
const MAX_READING_MS = 120_000;

export class LongMessage {
	readonly #startedAt = performance.now();

	/** @param length in bytes */
	constructor(readonly length: number) {}

	/** Whether the client has had `MAX_READING_MS` to read the message. */
	get isOverdue(): boolean {
		return performance.now() - this.#startedAt > MAX_READING_MS;
	}
}
