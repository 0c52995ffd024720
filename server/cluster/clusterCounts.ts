/** What is counted of the messages between processes. */
import { Counts } from '../core/counts.js';

/** Why everything was looked at again. */
const CATCH_UP_REASONS = ['connected', 'gap', 'vanished', 'asked', 'overflow'] as const;

/** Why a message or an event was not delivered. */
const DROP_REASONS = ['unreadable', 'invalid'] as const;

export class ClusterCounts {
	sent = 0;
	received = 0;
	/** Events that were delivered. */
	events = 0;
	/** Messages that were sent again. */
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

	get peers(): number {
		return this.#state.peers();
	}
}
