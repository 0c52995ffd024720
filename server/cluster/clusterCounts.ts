/** What is counted of the messages between processes. */

/** Why everything was looked at again. */
export const CATCH_UP_REASONS = ['connected', 'gap', 'vanished', 'asked', 'overflow'] as const;

/** Why a message or an event was not delivered. */
export const DROP_REASONS = ['unreadable', 'invalid'] as const;

class CountsOf<K extends string> {
	readonly #counts: Map<K, number>;

	constructor(keys: readonly K[]) {
		this.#counts = new Map(keys.map((key) => [key, 0]));
	}

	add(key: K, by = 1): void {
		this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
	}

	get(key: K): number {
		return this.#counts.get(key) ?? 0;
	}

	[Symbol.iterator](): Iterator<[K, number]> {
		return this.#counts.entries();
	}
}

export class ClusterCounts {
	sent = 0;
	received = 0;
	/** Events that were delivered. */
	events = 0;
	/** Messages that were sent again. */
	resent = 0;
	readonly dropped = new CountsOf(DROP_REASONS);
	readonly catchUps = new CountsOf(CATCH_UP_REASONS);
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
