/** Tells live clients from dead ones (`test/contract/ddp.md` section 4). */

export interface HeartbeatOptions {
	/** Time between looks at a client, in ms; 0 switches heartbeats off. Default 15,000. */
	readonly interval: number;
	/** How long a silent client has to answer a ping, in ms. Default 15,000. */
	readonly timeout: number;
}

/**
 * A client that is looked after. How it is doing is noted in the client itself: a server has very many, and an object more
 * for each would hold more than all that.
 */
export interface HeartbeatPeer {
	/** The round it belongs to, while it is looked after. Not to be changed by others. */
	slot: Set<HeartbeatPeer> | undefined;
	/** Whether anything was heard since the last look. Not to be changed by others. */
	active: boolean;
	ping(): void;
	/** It has not answered in time. One that cannot have been heard may be kept: it is pinged again. */
	onTimeout(): void;
}

/** Rounds into which an interval is divided, at most. */
const ROUNDS = 100;

/**
 * The heartbeats of all clients of a server. When nothing was heard of one since the last look it is pinged, and given up
 * when nothing is heard for the timeout after that.
 *
 * One timer looks after them: each client belongs to a round, in which it is looked at once an interval, and the rounds
 * come one after the other. A timer for each client would hold more than all else that tells whether it is alive.
 */
export class Heartbeats {
	readonly #rounds: Set<HeartbeatPeer>[];
	/** The round that came last. */
	#current = 0;
	#clients = 0;
	#ticker: NodeJS.Timeout | undefined;
	/** Of those who were pinged and not heard since: when they are given up. */
	readonly #deadlines = new Map<HeartbeatPeer, NodeJS.Timeout>();

	constructor(private readonly options: HeartbeatOptions) {
		const count = Math.max(1, Math.min(ROUNDS, Math.floor(options.interval)));
		this.#rounds = Array.from({ length: count }, () => new Set());
	}

	/**
	 * Begins to look after a client: first an interval from now.
	 * @returns false where heartbeats are switched off
	 */
	start(patient: HeartbeatPeer): boolean {
		const { interval } = this.options;
		if (interval <= 0) return false;
		patient.slot = this.#rounds[this.#current] as Set<HeartbeatPeer>;
		patient.slot.add(patient);
		patient.active = false;
		this.#clients++;
		this.#ticker ??= setInterval(() => this.#nextRound(), interval / this.#rounds.length);
		return true;
	}

	/** A message has arrived: the client is alive. Cheap enough for every message. */
	active(patient: HeartbeatPeer): void {
		if (patient.active) return;
		patient.active = true;
		this.#forgetDeadline(patient);
	}

	/** Looks after a client no longer, if it did. */
	stop(patient: HeartbeatPeer): void {
		this.#forgetDeadline(patient);
		if (!patient.slot) return;
		patient.slot.delete(patient);
		patient.slot = undefined;
		this.#clients--;
		if (this.#clients > 0) return;
		clearInterval(this.#ticker);
		this.#ticker = undefined;
	}

	#nextRound(): void {
		this.#current = (this.#current + 1) % this.#rounds.length;
		for (const patient of this.#rounds[this.#current] ?? []) this.#look(patient);
	}

	#look(patient: HeartbeatPeer): void {
		if (!patient.active && !this.#deadlines.has(patient)) {
			this.#deadlines.set(
				patient,
				setTimeout(() => {
					this.#deadlines.delete(patient);
					patient.onTimeout();
				}, this.options.timeout),
			);
			patient.ping();
		}
		patient.active = false;
	}

	#forgetDeadline(patient: HeartbeatPeer): void {
		clearTimeout(this.#deadlines.get(patient));
		this.#deadlines.delete(patient);
	}
}
