/** Counts the messages between processes, for metrics. */
import { Counts } from '../core/counts.js';

/**
 * Why everything was read again.
 * `connected`: this process has connected.
 * `gap`: messages are missing.
 * `vanished`: a process went silent.
 * `asked`: another process could not send an event.
 * `overflow`: too many documents waited to be read.
 */
const CATCH_UP_REASONS = ['connected', 'gap', 'vanished', 'asked', 'overflow'] as const;
export type CatchUpReason = (typeof CATCH_UP_REASONS)[number];

/** `unreadable`: a message that cannot be decoded. `invalid`: an event of a wrong form. */
const DROP_REASONS = ['unreadable', 'invalid'] as const;

export class ClusterCounts {
	sent = 0;
	received = 0;
	/** Events of other processes that were delivered here. */
	events = 0;
	resent = 0;
	readonly dropped = new Counts(DROP_REASONS);
	readonly catchUps = new Counts(CATCH_UP_REASONS);
	#state: { connected(): boolean; peers(): number } = { connected: () => false, peers: () => 0 };

	observe(state: { connected(): boolean; peers(): number }): void {
		this.#state = state;
	}

	get connected(): boolean {
		return this.#state.connected();
	}

	/** Number of other processes. */
	get peers(): number {
		return this.#state.peers();
	}
}
