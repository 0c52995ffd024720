/** Tracks the other processes, and their messages that have arrived. */
import { LRUCache } from 'lru-cache';
import { batchesOf } from '../../shared/batches.js';
import { MAX_ASKED } from './messages.js';

/** A process that has sent nothing for this long counts as gone, in ms. Running ones send every second. */
export const SILENCE_MS = 3500;

/**
 * How long after connecting, in ms, earlier messages of newly found processes do not count as missed. Connecting
 * includes catching up.
 */
const DISCOVERY_MS = SILENCE_MS;

/** How long a missing message is asked for, in ms. */
const ASKING_MS = 10_000;

/** Maximum number of running processes, and of gone ones. The one that was silent for longest is forgotten first. */
const MAX_PEERS = 1000;

/** Maximum number of messages of one process that are asked for. If more are missing, the oldest are given up. */
const MAX_MISSING = 10_000;

interface Peer {
	/** Number of its last known message, which may be missing. */
	last: number;
	/** When its last message arrived, or when this process connected if that was later; by `performance.now`. */
	lastSeenAt: number;
	/** When each message was noticed to be missing, by number. */
	readonly missing: Map<number, number>;
}

export interface Arrival {
	/** Whether the message has events that were not delivered yet. */
	readonly isNew: boolean;
	/** Whether messages before it were missed. */
	readonly isGap: boolean;
	/** Missing messages were sent after this time, by `performance.now`. Undefined: not known. */
	readonly missedSince: number | undefined;
}

export class Peers {
	readonly #peers = new Map<string, Peer>();
	/** Processes that went silent. They return from here if only their connection was lost. */
	readonly #gone = new LRUCache<string, Peer>({ max: MAX_PEERS });
	/** When this process has connected, by `performance.now`. */
	#connectedAt = Number.NEGATIVE_INFINITY;

	get size(): number {
		return this.#peers.size;
	}

	/** Connecting includes catching up, so earlier messages need no further catch-up. */
	noteOwnConnection(now: number): void {
		this.#connectedAt = now;
		for (const peer of this.#peers.values()) peer.lastSeenAt = now;
	}

	/**
	 * @param n the number of the message, or the last number of the sender if it has no events
	 * @param aloneMs for how many ms a sender that has just connected may have missed messages
	 */
	noteMessage(from: string, n: number, hasEvents: boolean, now: number, aloneMs?: number): Arrival {
		const peer = this.#peers.get(from) ?? this.#restoreGone(from);
		if (!peer) {
			const wasAlone = aloneMs !== undefined;
			const hasEarlierMessages = n > (hasEvents ? 1 : 0);
			const isDiscoveryOver = now - this.#connectedAt > DISCOVERY_MS;
			const wasMissed = hasEarlierMessages && (wasAlone || isDiscoveryOver);
			this.#peers.set(from, { last: n, lastSeenAt: now, missing: new Map() });
			this.#limitSize();
			return { isNew: hasEvents, isGap: wasMissed, missedSince: wasAlone ? now - aloneMs : undefined };
		}
		const missedSince = peer.lastSeenAt;
		peer.lastSeenAt = now;
		this.#limitSize();
		if (n <= peer.last) return { isNew: hasEvents && peer.missing.delete(n), isGap: false, missedSince };
		const firstMissing = Math.max(peer.last + 1, n - MAX_MISSING);
		// A message without events names message `n`, which is then missing too.
		const end = hasEvents ? n : n + 1;
		for (let number = firstMissing; number < end; number++) peer.missing.set(number, now);
		for (const oldest of peer.missing.keys()) {
			if (peer.missing.size <= MAX_MISSING) break;
			peer.missing.delete(oldest);
		}
		peer.last = n;
		return { isNew: hasEvents, isGap: firstMissing < end, missedSince };
	}

	#restoreGone(from: string): Peer | undefined {
		const peer = this.#gone.get(from);
		if (!peer) return undefined;
		this.#gone.delete(from);
		this.#peers.set(from, peer);
		return peer;
	}

	/** Removes a process that has stopped. @returns whether messages of it are missing */
	remove(from: string): boolean {
		const peer = this.#peers.get(from);
		this.#peers.delete(from);
		return peer !== undefined && peer.missing.size > 0;
	}

	/** The numbers of missing messages to ask for, by process. Gives up messages after `ASKING_MS`. */
	*missingToAskFor(now: number): Iterable<{ of: string; missing: number[] }> {
		for (const [of, { missing }] of this.#peers) {
			for (const [n, since] of missing) if (now - since > ASKING_MS) missing.delete(n);
			for (const numbers of batchesOf([...missing.keys()], MAX_ASKED)) yield { of, missing: numbers };
		}
	}

	/** Counts silent processes as gone. @returns the `lastSeenAt` of each */
	removeSilent(now: number): number[] {
		const gone = [...this.#peers].filter(([, { lastSeenAt }]) => now - lastSeenAt > SILENCE_MS);
		for (const [from, peer] of gone) {
			this.#peers.delete(from);
			this.#gone.set(from, peer);
		}
		return gone.map(([, { lastSeenAt }]) => lastSeenAt);
	}

	#limitSize(): void {
		if (this.#peers.size <= MAX_PEERS) return;
		const [silentEntry] = [...this.#peers].sort(([, a], [, b]) => a.lastSeenAt - b.lastSeenAt);
		if (silentEntry) this.#peers.delete(silentEntry[0]);
	}
}
