/** Tells live clients from dead ones (`contract/ddp.md` section 4). */

export interface HeartbeatOptions {
	/** Time between looks at a client, in ms; 0 switches heartbeats off. Default 15,000. */
	readonly interval: number;
	/** How long a silent client has to answer a ping, in ms. Default 15,000. */
	readonly timeout: number;
}

/** What a heartbeat does to its client. */
export interface Patient {
	ping(): void;
	giveUp(): void;
}

/** Rounds into which an interval is divided, at most. */
const ROUNDS = 100;

/**
 * The heartbeats of all clients of a server. One timer looks after them: each client belongs to a round, in which it is
 * looked at once an interval, and the rounds come one after the other. A timer for each client would hold more than all
 * else that tells whether it is alive.
 */
export class Heartbeats {
	readonly #rounds: Set<Heartbeat>[];
	/** The round that came last. */
	#current = 0;
	#clients = 0;
	#ticker: NodeJS.Timeout | undefined;

	constructor(readonly options: HeartbeatOptions) {
		const count = Math.max(1, Math.min(ROUNDS, Math.floor(options.interval)));
		this.#rounds = Array.from({ length: count }, () => new Set());
	}

	/** Begins to look after a client: first an interval from now. Undefined where heartbeats are switched off. */
	start(patient: Patient): Heartbeat | undefined {
		const { interval } = this.options;
		if (interval <= 0) return undefined;
		const round = this.#rounds[this.#current] as Set<Heartbeat>;
		const heartbeat = new Heartbeat(this, round, patient);
		round.add(heartbeat);
		this.#clients++;
		this.#ticker ??= setInterval(() => this.#nextRound(), interval / this.#rounds.length);
		return heartbeat;
	}

	/** A heartbeat has left its round. */
	left(): void {
		this.#clients--;
		if (this.#clients > 0) return;
		clearInterval(this.#ticker);
		this.#ticker = undefined;
	}

	#nextRound(): void {
		this.#current = (this.#current + 1) % this.#rounds.length;
		for (const heartbeat of this.#rounds[this.#current] ?? []) heartbeat.look();
	}
}

/**
 * That of one client. When nothing was heard since the last look it pings, and gives the client up when nothing is heard
 * for the timeout after that.
 */
export class Heartbeat {
	#heardSince = false;
	#deadline: NodeJS.Timeout | undefined;

	constructor(
		private readonly all: Heartbeats,
		private readonly round: Set<Heartbeat>,
		private readonly patient: Patient,
	) {}

	/** A message has arrived: the client is alive. Cheap enough for every message. */
	heard(): void {
		this.#heardSince = true;
		if (this.#deadline === undefined) return;
		clearTimeout(this.#deadline);
		this.#deadline = undefined;
	}

	stop(): void {
		clearTimeout(this.#deadline);
		if (this.round.delete(this)) this.all.left();
	}

	look(): void {
		if (!this.#heardSince && this.#deadline === undefined) {
			this.#deadline = setTimeout(() => this.patient.giveUp(), this.all.options.timeout);
			this.patient.ping();
		}
		this.#heardSince = false;
	}
}
