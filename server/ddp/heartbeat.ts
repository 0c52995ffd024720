/** Tells a live client from a dead one (`contract/ddp.md` section 4). */

export interface HeartbeatOptions {
	/** Time between looks at a client, in ms; 0 switches heartbeats off. Default 15,000. */
	readonly interval: number;
	/** How long a silent client has to answer a ping, in ms. Default 15,000. */
	readonly timeout: number;
}

export interface Heartbeat {
	/** A message has arrived: the client is alive. Cheap enough for every message. */
	heard(): void;
	stop(): void;
}

/**
 * Starts a heartbeat: at each interval in which nothing was heard it pings, and gives the client up when nothing is
 * heard for the timeout after that.
 */
export function startHeartbeat(
	{ interval, timeout }: HeartbeatOptions,
	sendPing: () => void,
	giveUp: () => void,
): Heartbeat {
	let heardSince = false;
	let deadline: NodeJS.Timeout | undefined;

	const ticker = setInterval(() => {
		if (!heardSince && deadline === undefined) {
			deadline = setTimeout(giveUp, timeout);
			sendPing();
		}
		heardSince = false;
	}, interval);

	return {
		heard() {
			heardSince = true;
			if (deadline === undefined) return;
			clearTimeout(deadline);
			deadline = undefined;
		},
		stop() {
			clearInterval(ticker);
			clearTimeout(deadline);
		},
	};
}
