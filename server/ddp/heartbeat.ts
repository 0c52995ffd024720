/** Detects clients that have disconnected without a close frame (`test/contract/ddp.md` section 4). */

export interface HeartbeatOptions {
	/** Time between checks of a client, in ms; 0 switches heartbeats off. Default for DDP 15,000. */
	readonly interval: number;
	/** How long a silent client has to answer a ping, in ms. Default for DDP 15,000. */
	readonly timeout: number;
}

/**
 * A client whose heartbeat is watched. The fields are part of the client object: a separate object would take 48 bytes
 * more.
 */
export interface HeartbeatPeer {
	/** The clients that are checked together; undefined if this one is not watched. Only `Heartbeats` writes it. */
	slot: Set<HeartbeatPeer> | undefined;
	/** Whether a message has arrived since the last check. Only `Heartbeats` writes it. */
	active: boolean;
	ping(): void;
	/** Called when the client has not answered a ping in time. If it stays connected, the next check pings it again. */
	onTimeout(): void;
}

const MAX_SLOTS = 100;

/**
 * The heartbeats of all clients of a server. A client that was silent since the last check is pinged. It times out if
 * it stays silent after the ping.
 *
 * One timer serves all clients, because a timer for each would take 250 bytes. Each client belongs to a slot, a group
 * of clients that are checked together. The timer checks one slot after the other, and each slot once an interval.
 */
export class Heartbeats {
	readonly #slots: Set<HeartbeatPeer>[];
	/** Index of the slot that was checked last. */
	#current = 0;
	#peerCount = 0;
	#ticker: NodeJS.Timeout | undefined;
	/** For each client that was pinged and has been silent since, the timer that calls `onTimeout`. */
	readonly #timeouts = new Map<HeartbeatPeer, NodeJS.Timeout>();

	constructor(private readonly options: HeartbeatOptions) {
		// At most one slot for each ms of the interval, because timers are not more precise.
		const count = Math.max(1, Math.min(MAX_SLOTS, Math.floor(options.interval)));
		this.#slots = Array.from({ length: count }, () => new Set());
	}

	/**
	 * Begins to watch a client. The first check comes an interval from now.
	 * @returns false if heartbeats are switched off
	 */
	start(peer: HeartbeatPeer): boolean {
		const { interval } = this.options;
		if (interval <= 0) return false;
		peer.slot = this.#slots[this.#current] as Set<HeartbeatPeer>;
		peer.slot.add(peer);
		peer.active = false;
		this.#peerCount++;
		this.#ticker ??= setInterval(() => this.#nextSlot(), interval / this.#slots.length).unref();
		return true;
	}

	/** Must be called for each message from the client. */
	markActive(peer: HeartbeatPeer): void {
		if (peer.active) return;
		peer.active = true;
		this.#cancelTimeout(peer);
	}

	/** Does nothing if the client is not watched. */
	stop(peer: HeartbeatPeer): void {
		this.#cancelTimeout(peer);
		if (!peer.slot) return;
		peer.slot.delete(peer);
		peer.slot = undefined;
		this.#peerCount--;
		if (this.#peerCount > 0) return;
		clearInterval(this.#ticker);
		this.#ticker = undefined;
	}

	#nextSlot(): void {
		this.#current = (this.#current + 1) % this.#slots.length;
		for (const peer of this.#slots[this.#current] ?? []) this.#check(peer);
	}

	#check(peer: HeartbeatPeer): void {
		if (!peer.active && !this.#timeouts.has(peer)) {
			this.#timeouts.set(
				peer,
				setTimeout(() => {
					this.#timeouts.delete(peer);
					peer.onTimeout();
				}, this.options.timeout).unref(),
			);
			peer.ping();
		}
		peer.active = false;
	}

	#cancelTimeout(peer: HeartbeatPeer): void {
		clearTimeout(this.#timeouts.get(peer));
		this.#timeouts.delete(peer);
	}
}
