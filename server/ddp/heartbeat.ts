/** Tells a live client from a dead one (`contract/ddp.md` section 4). */

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

/**
 * At each interval in which nothing was heard it pings, and gives the client up when nothing is heard for the timeout
 * after that. A class, since there is one for every client: most of them are idle, and this is what keeps them busy.
 */
export class Heartbeat {
	#heardSince = false;
	readonly #ticker: NodeJS.Timeout;
	#deadline: NodeJS.Timeout | undefined;

	constructor(
		private readonly options: HeartbeatOptions,
		private readonly patient: Patient,
	) {
		this.#ticker = setInterval(() => this.#look(), options.interval);
	}

	/** A message has arrived: the client is alive. Cheap enough for every message. */
	heard(): void {
		this.#heardSince = true;
		if (this.#deadline === undefined) return;
		clearTimeout(this.#deadline);
		this.#deadline = undefined;
	}

	stop(): void {
		clearInterval(this.#ticker);
		clearTimeout(this.#deadline);
	}

	#look(): void {
		if (!this.#heardSince && this.#deadline === undefined) {
			this.#deadline = setTimeout(() => this.patient.giveUp(), this.options.timeout);
			this.patient.ping();
		}
		this.#heardSince = false;
	}
}
