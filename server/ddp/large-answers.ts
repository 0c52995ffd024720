/** Lets the large answers to one client be sent one after another, so that at most one of them is buffered. */
import type { Transport } from './transports/transport.js';

/** Maximum number of large answers that are being sent to a client, or wait until the client has read earlier ones. */
const MAX_WAITING = 16;

export class LargeAnswers {
	#waiting = 0;
	/** Resolves when the last answer in the queue has been sent. */
	#last: Promise<void> | undefined;

	/** @param signal fires when the session has ended */
	constructor(
		private readonly transport: Pick<Transport, 'whenDrained'>,
		private readonly signal: AbortSignal,
	) {}

	/**
	 * Waits until the client has read earlier large answers.
	 * @returns a function that must be called when the answer has been sent; undefined if too many answers wait
	 */
	async takeTurn(): Promise<(() => void) | undefined> {
		if (this.#waiting >= MAX_WAITING) return undefined;
		this.#waiting++;
		const previous = this.#last;
		let onSent = () => {};
		this.#last = new Promise<void>((resolve) => {
			onSent = () => {
				this.#waiting--;
				resolve();
			};
		});
		await previous;
		let drained = this.transport.whenDrained();
		while (drained && !this.signal.aborted) {
			await drained;
			drained = this.transport.whenDrained();
		}
		return onSent;
	}
}
